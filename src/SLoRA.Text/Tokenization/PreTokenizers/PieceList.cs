namespace SLoRA.Text.Tokenization.PreTokenizers;

/// <summary>A stretch of text, from start to end.</summary>
internal readonly record struct Piece(int Start, int End);

/// <summary>A growable list of pieces that is cleared and used again. Empty pieces are left out.</summary>
internal sealed class PieceList
{
    private Piece[] _pieces = new Piece[64];

    public int Count { get; private set; }

    public ReadOnlySpan<Piece> Span => _pieces.AsSpan(0, Count);

    public void Clear() => Count = 0;

    public void Add(int start, int end)
    {
        if (start >= end)
        {
            return;
        }

        if (Count == _pieces.Length)
        {
            Array.Resize(ref _pieces, 2 * Count);
        }

        _pieces[Count++] = new Piece(start, end);
    }

    /// <summary>Gives memory above <paramref name="keep"/> pieces back.</summary>
    public void Trim(int keep)
    {
        Count = 0;
        if (_pieces.Length > keep)
        {
            _pieces = new Piece[64];
        }
    }
}
