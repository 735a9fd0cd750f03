using System.Buffers;
using System.Text;

namespace SLoRA.Text.Tokenization.Decoders;

/// <summary>
/// ByteFallback: a run of tokens like <c>&lt;0xE4&gt;</c> is one token, the text of those bytes; if they are not well-formed, every byte
/// of the run becomes a token U+FFFD. A stream gives each character when its last byte has come, and U+FFFD from the first error on.
/// </summary>
internal sealed class ByteFallbackDecoder : TokenDecoder
{
    public override DecoderStage CreateStage(DecoderStage next, bool streaming) => new Stage(next, streaming);

    public override byte[]? BytesOf(string token) => ParseByte(token) is var value and >= 0 ? [(byte)value] : null;

    private static int ParseByte(ReadOnlySpan<char> token)
    {
        if (token.Length != 6 || !token.StartsWith("<0x") || token[5] != '>')
        {
            return -1;
        }

        int high = token[3] == '+' ? 0 : Hex(token[3]);
        int low = Hex(token[4]);
        return high < 0 || low < 0 ? -1 : (high << 4) | low;
    }

    private static int Hex(char value) => !char.IsAsciiHexDigit(value) ? -1 : value <= '9' ? value - '0' : (value | 0x20) - 'a' + 10;

    private sealed class Stage(DecoderStage next, bool streaming) : WholeTokenStage(next)
    {
        private readonly CharBuffer _text = new();
        private byte[] _run = new byte[16];
        private int _count;
        private bool _inRun;
        private bool _begun;
        private bool _broken;

        public override void Finish()
        {
            EndRun();
            Next.Finish();
        }

        protected override void Token(ReadOnlySpan<char> token)
        {
            int value = ParseByte(token);
            if (value < 0)
            {
                EndRun();
                Next.Push(token, TokenPart.Whole);
                return;
            }

            if (_count == _run.Length)
            {
                Array.Resize(ref _run, 2 * _count);
            }

            _run[_count++] = (byte)value;
            _inRun = true;
            if (streaming)
            {
                GiveCertain();
            }
        }

        // Keeps in the run only the bytes of a character that is still arriving.
        private void GiveCertain()
        {
            if (!_broken)
            {
                OperationStatus status = Rune.DecodeFromUtf8(_run.AsSpan(0, _count), out Rune rune, out _);
                if (status == OperationStatus.NeedMoreData)
                {
                    return;
                }

                if (status == OperationStatus.Done)
                {
                    _text.Clear();
                    _text.AppendRune(rune.Value);
                    Next.Push(_text.Span, _begun ? TokenPart.Middle : TokenPart.Begin);
                    _begun = true;
                    _count = 0;
                    return;
                }

                _broken = true;
            }

            GiveReplacements();
        }

        private void GiveReplacements()
        {
            if (_begun)
            {
                Next.Push("", TokenPart.End);
            }

            _begun = false;
            for (; _count > 0; _count--)
            {
                Next.Push("\uFFFD", TokenPart.Whole);
            }
        }

        private void EndRun()
        {
            if (!_inRun)
            {
                return;
            }

            if (streaming || !TryText())
            {
                GiveReplacements();
            }

            _count = 0;
            _inRun = _broken = false;
        }

        private bool TryText()
        {
            ReadOnlySpan<byte> run = _run.AsSpan(0, _count);
            if (!System.Text.Unicode.Utf8.IsValid(run))
            {
                return false;
            }

            _text.Clear();
            int length = Encoding.UTF8.GetChars(run, _text.Claim(run.Length));
            _text.Truncate(length);
            Next.Push(_text.Span, TokenPart.Whole);
            return true;
        }
    }
}
