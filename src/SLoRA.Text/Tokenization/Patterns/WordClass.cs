using System.Globalization;
using SLoRA.Text.Tokenization.Unicode;

namespace SLoRA.Text.Tokenization.Patterns;

/// <summary>The character classes of the usual word patterns, as flags in a table.</summary>
internal static class WordClass
{
    public const byte Letter = 1;
    public const byte Number = 2;
    public const byte Space = 4;
    public const byte NewLine = 8;

    /// <summary>Upper case, title case, modifier and other letters, and marks.</summary>
    public const byte Upper = 16;

    /// <summary>Lower case, modifier and other letters, and marks.</summary>
    public const byte Lower = 32;
    public const byte Mark = 64;

    private const byte Surrogate = 128;

    private static readonly byte[] Table = MakeTable();

    /// <summary>The flags of the code point at a place, and its length.</summary>
    public static byte At(ReadOnlySpan<char> text, int at, out int length)
    {
        byte flags = Table[text[at]];
        length = 1;
        return flags == Surrogate ? Astral(text, at, out length) : flags;
    }

    private static byte Astral(ReadOnlySpan<char> text, int at, out int length) => Flags(CharClass.CodePoint(text, at, out length));

    private static byte Flags(int codePoint)
    {
        uint bit = CharClass.Bit(codePoint);
        int flags = 0;
        if ((bit & CharClass.Letter) != 0)
        {
            flags |= Letter;
        }

        if ((bit & CharClass.Number) != 0)
        {
            flags |= Number;
        }

        if ((bit & CharClass.Mark) != 0)
        {
            flags |= Mark | Upper | Lower;
        }

        if (CharClass.IsWhiteSpace(codePoint))
        {
            flags |= Space;
        }

        if (codePoint is '\r' or '\n')
        {
            flags |= NewLine;
        }

        const uint Both = (1u << (int)UnicodeCategory.ModifierLetter) | (1u << (int)UnicodeCategory.OtherLetter);
        if ((bit
            & (Both | (1u << (int)UnicodeCategory.UppercaseLetter) | (1u << (int)UnicodeCategory.TitlecaseLetter))) != 0)
        {
            flags |= Upper;
        }

        if ((bit & (Both | (1u << (int)UnicodeCategory.LowercaseLetter))) != 0)
        {
            flags |= Lower;
        }

        return (byte)flags;
    }

    private static byte[] MakeTable()
    {
        byte[] table = new byte[0x10000];
        for (int i = 0; i < table.Length; i++)
        {
            table[i] = char.IsSurrogate((char)i) ? Surrogate : Flags(i);
        }

        return table;
    }
}
