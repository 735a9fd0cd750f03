namespace SLoRA.Text.Tokenization.PreTokenizers;

/// <summary>Working memory of pre-tokenization: two lists of pieces and two texts, used in turn.</summary>
internal sealed class PieceBuffers
{
    private const int Keep = 1 << 16;

    private readonly CharBuffer[] _texts = [new(), new()];
    private int _turn;

    public PieceList Pieces { get; private set; } = new();

    public PieceList NextPieces { get; private set; } = new();

    /// <summary>
    /// Starts a text of this length: the texts it is rewritten to stay in proportion to it, however many pre-tokenizers there are.
    /// </summary>
    public void Begin(int length)
    {
        Pieces.Clear();
        NextPieces.Clear();
        foreach (CharBuffer text in _texts)
        {
            text.MaxLength = CharBuffer.Bound(length);
        }
    }

    public void SwapPieces()
    {
        (Pieces, NextPieces) = (NextPieces, Pieces);
        NextPieces.Clear();
    }

    public CharBuffer NewText()
    {
        _turn = 1 - _turn;
        _texts[_turn].Clear();
        return _texts[_turn];
    }

    public void Trim()
    {
        Pieces.Trim(Keep);
        NextPieces.Trim(Keep);
        foreach (CharBuffer text in _texts)
        {
            text.Trim(Keep);
        }
    }
}
