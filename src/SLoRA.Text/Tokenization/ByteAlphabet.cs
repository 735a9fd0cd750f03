using System.Buffers;
using System.Text;

namespace SLoRA.Text.Tokenization;

/// <summary>
/// The printable stand-ins for bytes of byte-level vocabularies: bytes that are printable in Latin-1 stand for themselves, the others
/// are U+0100, U+0101, … in the order of their value.
/// </summary>
internal static class ByteAlphabet
{
    private static readonly char[] OfByte = new char[256];
    private static readonly short[] OfChar = new short[0x144];

    static ByteAlphabet()
    {
        Array.Fill(OfChar, (short)-1);
        int next = 0x100;
        for (int value = 0; value < 256; value++)
        {
            bool printable = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE;
            OfByte[value] = printable ? (char)value : (char)next++;
            OfChar[OfByte[value]] = (short)value;
        }
    }

    public static char ToChar(byte value) => OfByte[value];

    /// <summary>The byte a character stands for, or -1.</summary>
    public static int ToByte(int codePoint) => codePoint < OfChar.Length ? OfChar[codePoint] : -1;

    /// <summary>Appends the stand-ins of the UTF-8 bytes of <paramref name="text"/>.</summary>
    public static void Append(ReadOnlySpan<char> text, CharBuffer output)
    {
        Span<byte> utf8 = stackalloc byte[4];
        for (int at = 0; at < text.Length;)
        {
            char c = text[at];
            if (c < 0x80)
            {
                output.Append(OfByte[c]);
                at++;
                continue;
            }

            Rune.DecodeFromUtf16(text[at..], out Rune rune, out int length);
            at += length;
            foreach (byte value in utf8[..rune.EncodeToUtf8(utf8)])
            {
                output.Append(OfByte[value]);
            }
        }
    }

    /// <summary>
    /// Writes the bytes that a token stands for. A token with any character outside the alphabet stands for its own UTF-8.
    /// <paramref name="bytes"/> must be as long as <paramref name="token"/>.
    /// </summary>
    public static int Decode(ReadOnlySpan<byte> token, Span<byte> bytes)
    {
        int count = 0;
        for (int at = 0; at < token.Length;)
        {
            if (token[at] < 0x80)
            {
                int self = OfChar[token[at++]];
                if (self < 0)
                {
                    return Plain(token, bytes);
                }

                bytes[count++] = (byte)self;
                continue;
            }

            OperationStatus status = Rune.DecodeFromUtf8(token[at..], out Rune rune, out int length);
            int value = status == OperationStatus.Done ? ToByte(rune.Value) : -1;
            if (value < 0)
            {
                return Plain(token, bytes);
            }

            bytes[count++] = (byte)value;
            at += length;
        }

        return count;
    }

    private static int Plain(ReadOnlySpan<byte> token, Span<byte> bytes)
    {
        token.CopyTo(bytes);
        return token.Length;
    }
}
