namespace SLoRA.Text.Tokenization.Decoders;

/// <summary>Metaspace: its character becomes a space, and nothing in the first token unless spaces were never prepended.</summary>
internal sealed class MetaspaceDecoder(string replacement, bool dropsFirst) : TokenDecoder
{
    public override DecoderStage CreateStage(DecoderStage next, bool streaming) => new Stage(next, replacement, dropsFirst);

    private sealed class Stage(DecoderStage next, string replacement, bool dropsFirst) : DecoderStage
    {
        private readonly CharBuffer _text = new();
        private bool _first = true;

        public override void Push(ReadOnlySpan<char> text, TokenPart part)
        {
            _text.Clear();
            for (int at = text.IndexOf(replacement); at >= 0; at = text.IndexOf(replacement))
            {
                _text.Append(text[..at]);
                if (!_first || !dropsFirst)
                {
                    _text.Append(' ');
                }

                text = text[(at + replacement.Length)..];
            }

            _text.Append(text);
            next.Push(_text.Span, part);
            if ((part & TokenPart.End) != 0)
            {
                _first = false;
            }
        }

        public override void Finish() => next.Finish();
    }
}
