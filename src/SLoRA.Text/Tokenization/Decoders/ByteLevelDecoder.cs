using System.Buffers;
using System.Text;

namespace SLoRA.Text.Tokenization.Decoders;

/// <summary>
/// ByteLevel: every token stands for bytes, and the bytes of all tokens together are one UTF-8 text. Ill-formed bytes become U+FFFD,
/// one for each maximal part of a character. A character whose bytes are still arriving is held back.
/// </summary>
internal sealed class ByteLevelDecoder : TokenDecoder
{
    public override DecoderStage CreateStage(DecoderStage next, bool streaming) => new Stage(next);

    public override byte[]? BytesOf(string token)
    {
        byte[] text = Encoding.UTF8.GetBytes(token);
        byte[] bytes = new byte[text.Length];
        return bytes[..ByteAlphabet.Decode(text, bytes)];
    }

    private sealed class Stage(DecoderStage next) : WholeTokenStage(next)
    {
        private readonly CharBuffer _text = new();
        private byte[] _bytes = new byte[256];
        private byte[] _utf8 = new byte[256];
        private int _held;
        private bool _begun;

        public override void Finish()
        {
            _text.Clear();
            // Up to three held bytes are one unfinished character: one maximal part.
            if (_held > 0)
            {
                _text.Append('\uFFFD');
            }

            _held = 0;
            Next.Push(_text.Span, _begun ? TokenPart.End : TokenPart.Whole);
            Next.Finish();
        }

        protected override void Token(ReadOnlySpan<char> token)
        {
            int most = 3 * token.Length;
            if (_utf8.Length < most)
            {
                _utf8 = new byte[2 * most];
                Array.Resize(ref _bytes, (2 * most) + 4);
            }

            int length = Encoding.UTF8.GetBytes(token, _utf8);
            length = _held + ByteAlphabet.Decode(_utf8.AsSpan(0, length), _bytes.AsSpan(_held));
            ReadOnlySpan<byte> bytes = _bytes.AsSpan(0, length);
            _text.Clear();
            while (!bytes.IsEmpty)
            {
                if (bytes[0] < 0x80)
                {
                    _text.Append((char)bytes[0]);
                    bytes = bytes[1..];
                    continue;
                }

                OperationStatus status = Rune.DecodeFromUtf8(bytes, out Rune rune, out int consumed);
                if (status == OperationStatus.NeedMoreData)
                {
                    break;
                }

                _text.AppendRune(rune.Value);
                bytes = bytes[consumed..];
            }

            _held = bytes.Length;
            bytes.CopyTo(_bytes);
            if (_text.Length == 0)
            {
                return;
            }

            Next.Push(_text.Span, _begun ? TokenPart.Middle : TokenPart.Begin);
            _begun = true;
        }
    }
}
