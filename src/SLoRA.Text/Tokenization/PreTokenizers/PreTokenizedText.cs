namespace SLoRA.Text.Tokenization.PreTokenizers;

/// <summary>A text on its way through the pre-tokenizers: its characters and the pieces they are cut into so far.</summary>
internal ref struct PreTokenizedText
{
    private readonly PieceBuffers _buffers;

    /// <summary>Starts with the whole text as the one piece.</summary>
    /// <param name="text">Well-formed UTF-16.</param>
    /// <param name="buffers">Working memory.</param>
    /// <param name="atOrigin">Whether the text starts where the user's text starts.</param>
    public PreTokenizedText(ReadOnlySpan<char> text, PieceBuffers buffers, bool atOrigin)
    {
        Text = text;
        AtOrigin = atOrigin;
        _buffers = buffers;
        buffers.Begin(text.Length);
        buffers.Pieces.Add(0, text.Length);
    }

    public ReadOnlySpan<char> Text { get; private set; }

    public readonly ReadOnlySpan<Piece> Pieces => _buffers.Pieces.Span;

    /// <summary>Where the pieces of the next round are collected.</summary>
    public readonly PieceList NextPieces => _buffers.NextPieces;

    /// <summary>Whether a piece that starts at 0 starts where the user's text starts.</summary>
    public bool AtOrigin { get; private set; }

    /// <summary>Makes the collected pieces the current ones.</summary>
    public readonly void Commit() => _buffers.SwapPieces();

    /// <summary>An empty buffer for a new text; the current one stays readable until <see cref="Commit(CharBuffer)"/>.</summary>
    public readonly CharBuffer NewText() => _buffers.NewText();

    /// <summary>Makes the collected pieces and the text they refer to the current ones.</summary>
    public void Commit(CharBuffer text)
    {
        if (Pieces.Length > 0 && Pieces[0].Start != 0)
        {
            AtOrigin = false;
        }

        Text = text.Span;
        _buffers.SwapPieces();
    }
}
