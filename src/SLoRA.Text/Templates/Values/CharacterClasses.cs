using System.Globalization;
using System.Text;

namespace SLoRA.Text.Templates;

/// <summary>Which characters are spaces, letters, digits and line ends in the reference's language; .NET's own classes differ in places.</summary>
internal static class CharacterClasses
{
    public static bool IsSpace(int c) => c switch
    {
        >= 9 and <= 13 or >= 0x1c and <= 0x20 or 0x85 or 0xa0 or 0x1680 or >= 0x2000 and <= 0x200a or 0x2028 or 0x2029 or 0x202f or 0x205f or 0x3000 => true,
        _ => false,
    };

    public static bool IsLineEnd(char c) => c is >= '\n' and <= '\r' or >= '\x1c' and <= '\x1e' or '\x85' or '\u2028' or '\u2029';

    public static UnicodeCategory Category(int c) => c is >= 0xD800 and <= 0xDFFF ? UnicodeCategory.Surrogate : Rune.GetUnicodeCategory(new Rune(c));

    public static bool IsAlpha(int c) => Category(c) <= UnicodeCategory.OtherLetter;

    public static bool IsDecimal(int c) => Category(c) == UnicodeCategory.DecimalDigitNumber;

    /// <summary>Decimal digits and digits in other clothes: superscripts, circled and the like.</summary>
    public static bool IsDigit(int c) => IsDecimal(c) || (c is >= 0 and <= 0x10FFFF and not (>= 0xD800 and <= 0xDFFF) && CharUnicodeInfo.GetDigitValue(char.ConvertFromUtf32(c), 0) >= 0);

    public static bool IsNumeric(int c) => IsDigit(c) || (c is not (>= 0xD800 and <= 0xDFFF) && CharUnicodeInfo.GetNumericValue(char.ConvertFromUtf32(c), 0) >= 0)
        || Category(c) is UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber;

    public static bool IsAlphanumeric(int c) => IsAlpha(c) || IsNumeric(c);

    /// <summary>What <c>\w</c> matches: letters, numbers, marks are not included, the underscore is.</summary>
    public static bool IsWord(int c) => c == '_' || IsAlphanumeric(c);

    public static bool IsPrintable(int c) => c == ' ' || Category(c) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate
        or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.SpaceSeparator);

    public static bool IsIdentifier(string text)
    {
        bool first = true;
        for (int i = 0; i < text.Length; i += CodePoints.Width(text, i))
        {
            int c = CodePoints.At(text, i);
            UnicodeCategory category = Category(c);
            bool start = c == '_' || category <= UnicodeCategory.OtherLetter || category == UnicodeCategory.LetterNumber;
            bool part = start || category is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.DecimalDigitNumber
                or UnicodeCategory.ConnectorPunctuation;
            if (first ? !start : !part)
                return false;
            first = false;
        }

        return !first;
    }

    public static string TrimStart(string text)
    {
        int start = 0;
        while (start < text.Length && IsSpace(text[start]))
            start++;
        return start == 0 ? text : text[start..];
    }

    public static string TrimEnd(string text)
    {
        int end = text.Length;
        while (end > 0 && IsSpace(text[end - 1]))
            end--;
        return end == text.Length ? text : text[..end];
    }

    public static string Trim(string text) => TrimStart(TrimEnd(text));
}
