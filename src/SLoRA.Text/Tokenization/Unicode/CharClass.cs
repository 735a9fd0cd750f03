using System.Globalization;

namespace SLoRA.Text.Tokenization.Unicode;

/// <summary>General categories by table, and the character classes that the components of a tokenizer are defined with.</summary>
internal static class CharClass
{
    /// <summary>One bit per <see cref="UnicodeCategory"/>.</summary>
    public const uint Letter = (1u << (int)UnicodeCategory.UppercaseLetter) | (1u << (int)UnicodeCategory.LowercaseLetter)
        | (1u << (int)UnicodeCategory.TitlecaseLetter) | (1u << (int)UnicodeCategory.ModifierLetter)
            | (1u << (int)UnicodeCategory.OtherLetter);

    public const uint Mark = (1u << (int)UnicodeCategory.NonSpacingMark) | (1u << (int)UnicodeCategory.SpacingCombiningMark)
        | (1u << (int)UnicodeCategory.EnclosingMark);

    public const uint Number = (1u << (int)UnicodeCategory.DecimalDigitNumber) | (1u << (int)UnicodeCategory.LetterNumber)
        | (1u << (int)UnicodeCategory.OtherNumber);

    public const uint Punctuation = (1u << (int)UnicodeCategory.ConnectorPunctuation) | (1u << (int)UnicodeCategory.DashPunctuation)
        | (1u << (int)UnicodeCategory.OpenPunctuation) | (1u << (int)UnicodeCategory.ClosePunctuation)
        | (1u << (int)UnicodeCategory.InitialQuotePunctuation) | (1u << (int)UnicodeCategory.FinalQuotePunctuation)
        | (1u << (int)UnicodeCategory.OtherPunctuation);

    public const uint Symbol = (1u << (int)UnicodeCategory.MathSymbol) | (1u << (int)UnicodeCategory.CurrencySymbol)
        | (1u << (int)UnicodeCategory.ModifierSymbol) | (1u << (int)UnicodeCategory.OtherSymbol);

    public const uint Separator = (1u << (int)UnicodeCategory.SpaceSeparator) | (1u << (int)UnicodeCategory.LineSeparator)
        | (1u << (int)UnicodeCategory.ParagraphSeparator);

    private static readonly byte[] Categories = MakeCategories();

    public static UnicodeCategory Category(int codePoint) =>
        codePoint < 0x10000 ? (UnicodeCategory)Categories[codePoint] : CharUnicodeInfo.GetUnicodeCategory(codePoint);

    /// <summary>The bit of a code point's category.</summary>
    public static uint Bit(int codePoint) => 1u << (int)Category(codePoint);

    /// <summary>The bit of a character's category; a surrogate has its own category.</summary>
    public static uint Bit(char value) => 1u << Categories[value];

    public static bool IsLetter(int codePoint) => (Bit(codePoint) & Letter) != 0;

    public static bool IsMark(int codePoint) => (Bit(codePoint) & Mark) != 0;

    public static bool IsNumber(int codePoint) => (Bit(codePoint) & Number) != 0;

    public static bool IsWhiteSpace(int codePoint) => codePoint < 0x10000 && char.IsWhiteSpace((char)codePoint);

    /// <summary>Punctuation in BERT's sense: every ASCII sign, and the punctuation categories.</summary>
    public static bool IsPunctuation(int codePoint) => codePoint < 0x80
        ? codePoint is (>= '!' and <= '/') or (>= ':' and <= '@') or (>= '[' and <= '`') or (>= '{' and <= '~')
        : (Bit(codePoint) & Punctuation) != 0;

    /// <summary>The Alphabetic property: letters, letter numbers, and what Unicode counts to them.</summary>
    public static bool IsAlphabetic(int codePoint) =>
        (Bit(codePoint) & (Letter | (1u << (int)UnicodeCategory.LetterNumber))) != 0
            || (codePoint >= 0x80 && RangeTable.OtherAlphabetic.Find(codePoint) is not null);

    /// <summary>A word character of the expression engines: alphabetic, mark, decimal digit or connector.</summary>
    public static bool IsWord(int codePoint) =>
        (Bit(codePoint) & (Letter | Mark | (1u << (int)UnicodeCategory.LetterNumber) | (1u << (int)UnicodeCategory.DecimalDigitNumber)
            | (1u << (int)UnicodeCategory.ConnectorPunctuation))) != 0 || IsOtherAlphabeticSymbol(codePoint);

    /// <summary>The code point at a place of well-formed text, and its length in UTF-16.</summary>
    public static int CodePoint(ReadOnlySpan<char> text, int at, out int length)
    {
        char first = text[at];
        if (char.IsHighSurrogate(first) && at + 1 < text.Length && char.IsLowSurrogate(text[at + 1]))
        {
            length = 2;
            return char.ConvertToUtf32(first, text[at + 1]);
        }

        length = 1;
        return first;
    }

    // Circled and squared Latin letters are symbols by category and alphabetic by property.
    private static bool IsOtherAlphabeticSymbol(int codePoint) => codePoint is (>= 0x24B6 and <= 0x24E9)
        or (>= 0x1F130 and <= 0x1F149) or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189);

    private static byte[] MakeCategories()
    {
        byte[] table = new byte[0x10000];
        for (int i = 0; i < table.Length; i++)
        {
            table[i] = (byte)CharUnicodeInfo.GetUnicodeCategory((char)i);
        }

        return table;
    }
}
