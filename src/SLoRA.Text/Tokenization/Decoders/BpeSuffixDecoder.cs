namespace SLoRA.Text.Tokenization.Decoders;

/// <summary>
/// BPEDecoder: the end-of-word suffix becomes a space, and nothing in the last token. From the suffix on a token waits for the next.
/// </summary>
internal sealed class BpeSuffixDecoder(string suffix) : TokenDecoder
{
    public override DecoderStage CreateStage(DecoderStage next, bool streaming) => new Stage(next, suffix);

    private sealed class Stage(DecoderStage next, string suffix) : WholeTokenStage(next)
    {
        private readonly CharBuffer _held = new();
        private readonly CharBuffer _text = new();
        private bool _open;

        public override void Finish()
        {
            if (_open)
            {
                GiveHeld("");
            }

            Next.Finish();
        }

        protected override void Token(ReadOnlySpan<char> token)
        {
            if (_open)
            {
                GiveHeld(" ");
            }

            int at = suffix.Length == 0 ? -1 : token.IndexOf(suffix);
            if (at < 0)
            {
                Next.Push(token, TokenPart.Whole);
                return;
            }

            Next.Push(token[..at], TokenPart.Begin);
            _held.Clear();
            _held.Append(token[at..]);
            _open = true;
        }

        private void GiveHeld(string replacement)
        {
            _text.Clear();
            TextReplacement.Append(_held.Span, suffix, replacement, _text);
            Next.Push(_text.Span, TokenPart.End);
            _open = false;
        }
    }
}
