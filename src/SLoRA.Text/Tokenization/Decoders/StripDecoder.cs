using SLoRA.Text.Tokenization.Unicode;

namespace SLoRA.Text.Tokenization.Decoders;

/// <summary>Strip: takes up to so many of a character from the start and the end of each token.</summary>
internal sealed class StripDecoder(int content, int start, int stop) : TokenDecoder
{
    public override DecoderStage CreateStage(DecoderStage next, bool streaming) => new Stage(next, content, start, stop);

    private sealed class Stage(DecoderStage next, int content, int start, int stop) : DecoderStage
    {
        private readonly CharBuffer _text = new();
        private int _leading;
        private int _trailing;

        public override void Push(ReadOnlySpan<char> text, TokenPart part)
        {
            if ((part & TokenPart.Begin) != 0)
            {
                _leading = start;
                _trailing = 0;
            }

            _text.Clear();
            for (int at = 0; at < text.Length;)
            {
                int value = CharClass.CodePoint(text, at, out int length);
                at += length;
                if (value == content && _leading > 0)
                {
                    _leading--;
                    continue;
                }

                _leading = 0;
                // The last few of the character may be the token's end: they wait, and the oldest goes out when one more comes.
                if (value == content && _trailing < stop)
                {
                    _trailing++;
                    continue;
                }

                if (value != content)
                {
                    for (; _trailing > 0; _trailing--)
                    {
                        _text.AppendRune(content);
                    }
                }

                _text.AppendRune(value);
            }

            next.Push(_text.Span, part);
        }

        public override void Finish() => next.Finish();
    }
}
