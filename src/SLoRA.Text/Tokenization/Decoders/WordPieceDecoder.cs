namespace SLoRA.Text.Tokenization.Decoders;

/// <summary>WordPiece: a space before every token but the first, except those with the continuing prefix, which lose it.</summary>
internal sealed class WordPieceDecoder(string prefix, bool cleanup) : TokenDecoder
{
    public override DecoderStage CreateStage(DecoderStage next, bool streaming) => new Stage(next, prefix, cleanup);

    private sealed class Stage(DecoderStage next, string prefix, bool cleanup) : WholeTokenStage(next)
    {
        private readonly EnglishCleanup _cleanup = new();
        private readonly CharBuffer _text = new();
        private bool _any;

        protected override void Token(ReadOnlySpan<char> token)
        {
            _text.Clear();
            bool continues = _any && token.StartsWith(prefix, StringComparison.Ordinal);
            if (_any && !continues)
            {
                _text.Append(' ');
            }

            _text.Append(continues ? token[prefix.Length..] : token);
            _any = true;
            Next.Push(cleanup ? _cleanup.Clean(_text.Span) : _text.Span, TokenPart.Whole);
        }
    }
}
