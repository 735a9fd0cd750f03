using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using SLoRA.Text.Tokenization.Reading;

namespace SLoRA.Text.Tokenization.Normalizers;

/// <summary>
/// Precompiled: SentencePiece's character map, a double array over UTF-8 whose values are places in a block of texts that end in zero.
/// A grapheme of less than six bytes is looked up whole, and where that finds nothing, character by character; the shortest entry that
/// the text starts with counts, for the whole of it.
/// </summary>
internal sealed class PrecompiledNormalizer : Normalizer
{
    private const int LongGrapheme = 6;

    private readonly uint[] _units;
    private readonly byte[] _texts;

    /// <param name="map">The size of the double array in bytes (4 bytes, little-endian), the array, the texts.</param>
    /// <param name="place">Where the map was found, for errors.</param>
    public PrecompiledNormalizer(ReadOnlySpan<byte> map, string place)
    {
        uint size = map.Length < 4 ? uint.MaxValue : BinaryPrimitives.ReadUInt32LittleEndian(map);
        if (size > map.Length - 4 || size < 4)
        {
            throw TokenizerException.Format($"{place} is a character map of {map.Length} bytes that states {size} bytes for its trie.");
        }

        _units = new uint[size / 4];
        for (int i = 0; i < _units.Length; i++)
        {
            _units[i] = BinaryPrimitives.ReadUInt32LittleEndian(map[(4 + (4 * i))..]);
        }

        _texts = map[(4 + (4 * _units.Length))..].ToArray();
        if (!System.Text.Unicode.Utf8.IsValid(_texts))
        {
            throw TokenizerException.Format(
            $"{place} is a character map whose texts are not UTF-8.");
        }
    }

    public static PrecompiledNormalizer Read(ConfigNode node)
    {
        byte[] map;
        try
        {
            map = Convert.FromBase64String(node.String());
        }
        catch (FormatException e)
        {
            throw TokenizerException.Format($"{node.Path} is not base64.", e);
        }

        return new PrecompiledNormalizer(map, node.Path);
    }

    public override void Normalize(ReadOnlySpan<char> text, CharBuffer output)
    {
        while (!text.IsEmpty)
        {
            // Plain ASCII between plain ASCII is a grapheme of its own, but for a line break.
            bool plain = text[0] is > '\r' and < '\u0080' && (text.Length == 1 || text[1] < '\u0080');
            int length = plain ? 1 : StringInfo.GetNextTextElementLength(text);
            ReadOnlySpan<char> grapheme = text[..length];
            text = text[length..];
            if (Encoding.UTF8.GetByteCount(grapheme) < LongGrapheme && TryMap(grapheme, output))
            {
                continue;
            }

            for (int at = 0; at < grapheme.Length;)
            {
                int step = char.IsHighSurrogate(grapheme[at]) ? 2 : 1;
                if (!TryMap(grapheme.Slice(at, step), output))
                {
                    output.Append(grapheme.Slice(at, step));
                }

                at += step;
            }
        }
    }

    public override bool RemovesStart(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty)
        {
            return false;
        }

        var output = new CharBuffer();
        Normalize(text[..StringInfo.GetNextTextElementLength(text)], output);
        return output.Length == 0;
    }

    private bool TryMap(ReadOnlySpan<char> part, CharBuffer output)
    {
        Span<byte> utf8 = stackalloc byte[16];
        utf8 = utf8[..Encoding.UTF8.GetBytes(part, utf8)];
        uint node = Offset(_units[0]);
        foreach (byte value in utf8)
        {
            node ^= value;
            // A place outside the array means a damaged map: nothing is found there.
            if (value == 0 || node >= _units.Length || (_units[node] & 0x800000FF) != value)
            {
                return false;
            }

            uint unit = _units[node];
            node ^= Offset(unit);
            if ((unit & 0x100) == 0)
            {
                continue;
            }

            if (node >= _units.Length)
            {
                return false;
            }

            return AppendText((int)(_units[node] & 0x7FFFFFFF), output);
        }

        return false;
    }

    private bool AppendText(int start, CharBuffer output)
    {
        if (start > _texts.Length)
        {
            return false;
        }

        ReadOnlySpan<byte> text = _texts.AsSpan(start);
        int end = text.IndexOf((byte)0);
        if (end >= 0)
        {
            text = text[..end];
        }

        int length = Encoding.UTF8.GetChars(text, output.Claim(text.Length));
        output.Truncate(output.Length - text.Length + length);
        return true;
    }

    private static uint Offset(uint unit) => (unit >> 10) << (int)((unit & 0x200) >> 6);
}
