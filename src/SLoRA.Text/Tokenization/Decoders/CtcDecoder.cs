namespace SLoRA.Text.Tokenization.Decoders;

/// <summary>CTC: repeated tokens count once, the pad token is nothing, and with clean-up the word delimiter is a space.</summary>
internal sealed class CtcDecoder(string padToken, string wordDelimiter, bool cleanup) : TokenDecoder
{
    public override DecoderStage CreateStage(DecoderStage next, bool streaming) => new Stage(next, padToken, wordDelimiter, cleanup);

    private sealed class Stage(DecoderStage next, string padToken, string wordDelimiter, bool cleanup) : WholeTokenStage(next)
    {
        private readonly EnglishCleanup _cleanup = new();
        private readonly CharBuffer _previous = new();
        private readonly CharBuffer _text = new();
        private readonly CharBuffer _spaced = new();
        private bool _any;

        protected override void Token(ReadOnlySpan<char> token)
        {
            if (_any && token.SequenceEqual(_previous.Span))
            {
                return;
            }

            _any = true;
            _previous.Clear();
            _previous.Append(token);
            _text.Clear();
            TextReplacement.Append(token, padToken, "", _text);
            ReadOnlySpan<char> text = _text.Span;
            if (cleanup)
            {
                _spaced.Clear();
                TextReplacement.Append(_cleanup.Clean(text), wordDelimiter, " ", _spaced);
                text = _spaced.Span;
            }

            if (!text.IsEmpty)
            {
                Next.Push(text, TokenPart.Whole);
            }
        }
    }
}
