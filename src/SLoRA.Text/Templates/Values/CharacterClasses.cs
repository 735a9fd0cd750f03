using System.Globalization;
using System.Text;

namespace SLoRA.Text.Templates;

/// <summary>
/// Which characters are spaces, letters, digits and line ends in the reference's language; .NET's own classes differ in places.
/// </summary>
internal static class CharacterClasses
{
    // Ideographs that stand for numbers; .NET has no numeric value for them.
    private const string NumeralLetters =
        "\u3405\u3483\u382a\u3b4d\u4e00\u4e03\u4e07\u4e09\u4e5d\u4e8c\u4e94\u4e96\u4ebf\u4ec0\u4edf\u4ee8\u4f0d\u4f70"
        + "\u5104\u5146\u5169\u516b\u516d\u5341\u5343\u5344\u5345\u534c\u53c1\u53c2\u53c3\u53c4\u56db\u58f1\u58f9\u5e7a"
        + "\u5efe\u5eff\u5f0c\u5f0d\u5f0e\u5f10\u62fe\u634c\u67d2\u6f06\u7396\u767e\u8086\u842c\u8cae\u8cb3\u8d30\u9621"
        + "\u9646\u964c\u9678\u96f6\uf96b\uf973\uf978\uf9b2\uf9d1\uf9d3\uf9fd\U00020001\U00020064\U000200e2\U00020121"
        + "\U0002092a\U00020983\U0002098c\U0002099c\U00020aea\U00020afd\U00020b19\U00022390\U00022998\U00023b1b\U0002626d"
        + "\U0002f890";

    public static bool IsSpace(int c) => c switch
    {
        >= 9 and <= 13 or >= 0x1c and <= 0x20 or 0x85 or 0xa0 or 0x1680 or >= 0x2000 and <= 0x200a or 0x2028 or 0x2029 or 0x202f or 0x205f
            or 0x3000 => true,
        _ => false,
    };

    public static bool IsLineEnd(char c) => c is >= '\n' and <= '\r' or >= '\x1c' and <= '\x1e' or '\x85' or '\u2028' or '\u2029';

    public static bool IsSurrogate(int c) => c is >= 0xD800 and <= 0xDFFF;

    public static UnicodeCategory Category(int c) => IsSurrogate(c) ? UnicodeCategory.Surrogate : Rune.GetUnicodeCategory(new Rune(c));

    public static bool IsAlpha(int c) => Category(c) <= UnicodeCategory.OtherLetter;

    public static bool IsDecimal(int c) => Category(c) == UnicodeCategory.DecimalDigitNumber;

    /// <summary>Decimal digits and digits in other clothes: superscripts, circled and the like.</summary>
    public static bool IsDigit(int c) =>
        IsDecimal(c) || (!IsSurrogate(c) && CharUnicodeInfo.GetDigitValue(char.ConvertFromUtf32(c), 0) >= 0);

    public static bool IsNumeric(int c) => !IsSurrogate(c)
        && (IsDigit(c) || CharUnicodeInfo.GetNumericValue(char.ConvertFromUtf32(c), 0) >= 0 || Category(c) is UnicodeCategory.LetterNumber
            or UnicodeCategory.OtherNumber
            || (c > 0x3400 && NumeralLetters.Contains(char.ConvertFromUtf32(c), StringComparison.Ordinal)));

    public static bool IsAlphanumeric(int c) => IsAlpha(c) || IsNumeric(c);

    /// <summary>What <c>\w</c> matches: letters, numbers, marks are not included, the underscore is.</summary>
    public static bool IsWord(int c) => c == '_' || IsAlphanumeric(c);

    public static bool IsPrintable(int c) =>
        c == ' ' || Category(c) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate
        or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator
            or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.SpaceSeparator);

    public static bool IsIdentifier(string text)
    {
        bool first = true;
        for (int i = 0; i < text.Length; i += CodePoints.Width(text, i))
        {
            int c = CodePoints.At(text, i);
            UnicodeCategory category = Category(c);
            bool start = c == '_' || category <= UnicodeCategory.OtherLetter || category == UnicodeCategory.LetterNumber;
            bool part = start || category is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark
                or UnicodeCategory.DecimalDigitNumber
                or UnicodeCategory.ConnectorPunctuation;
            if (first ? !start : !part)
            {
                return false;
            }

            first = false;
        }

        return !first;
    }

    public static string TrimStart(string text)
    {
        int start = 0;
        while (start < text.Length && IsSpace(text[start]))
        {
            start++;
        }

        return start == 0 ? text : text[start..];
    }

    public static string TrimEnd(string text)
    {
        int end = text.Length;
        while (end > 0 && IsSpace(text[end - 1]))
        {
            end--;
        }

        return end == text.Length ? text : text[..end];
    }

    public static string Trim(string text) => TrimStart(TrimEnd(text));
}
