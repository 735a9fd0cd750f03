using System.Text;

namespace SLoRA.Text.Templates;

/// <summary>Upper, lower and title case by Unicode's full mappings, independent of any culture.</summary>
internal static class Casing
{
    public static string Upper(string text)
    {
        string simple = text.ToUpperInvariant();
        if (System.Text.Ascii.IsValid(text) || (text.Length == 1 && !CaseTables.Upper.ContainsKey(text[0])))
        {
            return simple;
        }

        var result = new StringBuilder(text.Length + 8);
        for (int i = 0; i < text.Length; i++)
        {
            if (CaseTables.Upper.TryGetValue(text[i], out string? full))
            {
                result.Append(full);
            }
            else
            {
                result.Append(simple[i]);
            }
        }

        return result.ToString();
    }

    public static string Lower(string text)
    {
        string simple = text.ToLowerInvariant();
        if (System.Text.Ascii.IsValid(text))
        {
            return simple;
        }

        var result = new StringBuilder(text.Length + 8);
        for (int i = 0; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '\u0130': result.Append("i\u0307"); break;
                case '\u03a3': result.Append(IsFinalSigma(text, i) ? '\u03c2' : '\u03c3'); break;
                default: result.Append(simple[i]); break;
            }
        }

        return result.ToString();
    }

    /// <summary>One code point in title case.</summary>
    public static string TitleOf(string point) =>
        point.Length == 1 && CaseTables.Title.TryGetValue(point[0], out string? title) ? title : Upper(point);

    public static string Capitalize(string text)
    {
        if (text.Length == 0)
        {
            return text;
        }

        int width = CodePoints.Width(text, 0);
        // Lower-casing sees the whole text, so that a sigma knows its neighbours.
        string lower = Lower(text);
        return TitleOf(text[..width]) + (lower.Length == text.Length ? lower[width..] : Lower(text[width..]));
    }

    /// <summary>Title case at the start of every run of cased characters, lower case within.</summary>
    public static string Title(string text)
    {
        var result = new StringBuilder(text.Length);
        bool previous = false;
        for (int i = 0; i < text.Length;)
        {
            int width = CodePoints.Width(text, i);
            string point = text.Substring(i, width);
            if (previous)
            {
                result.Append(point == "\u03a3" ? (IsFinalSigma(text, i) ? "\u03c2" : "\u03c3") : Lower(point));
            }
            else
            {
                result.Append(TitleOf(point));
            }

            previous = IsCased(CodePoints.At(text, i));
            i += width;
        }

        return result.ToString();
    }

    public static string Swap(string text)
    {
        var result = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length;)
        {
            int width = CodePoints.Width(text, i);
            string point = text.Substring(i, width);
            int c = CodePoints.At(text, i);
            if (IsUpper(c))
            {
                result.Append(point == "\u03a3" ? (IsFinalSigma(text, i) ? "\u03c2" : "\u03c3") : Lower(point));
            }
            else
            {
                result.Append(IsLower(c) ? Upper(point) : point);
            }

            i += width;
        }

        return result.ToString();
    }

    /// <summary>Text for comparison without case.</summary>
    public static string Fold(string text)
    {
        if (System.Text.Ascii.IsValid(text))
        {
            return text.ToLowerInvariant();
        }

        var result = new StringBuilder(text.Length + 8);
        foreach (string point in CodePoints.Each(text))
        {
            int c = CodePoints.At(point, 0);
            if (c is >= 0x13a0 and <= 0x13fd or >= 0xab70 and <= 0xabbf)
            {
                result.Append(Upper(point)); // Cherokee folds to its upper case
            }
            else if (c is 0x1e9e)
            {
                result.Append("ss");
            }
            else if (c is 0x130 or 0x131 or 0x345)
            {
                result.Append(c == 0x130 ? "i\u0307" : c == 0x345 ? "\u03b9" : point);
            }
            else
            {
                result.Append(Upper(point).ToLowerInvariant());
            }
        }

        return result.ToString();
    }

    public static bool IsUpper(int c) =>
        c is >= 0x2160 and <= 0x216f or >= 0x24b6 and <= 0x24cf or >= 0x1f130 and <= 0x1f149 or >= 0x1f150 and <= 0x1f169
        or >= 0x1f170 and <= 0x1f189 || CharacterClasses.Category(c) == System.Globalization.UnicodeCategory.UppercaseLetter;

    public static bool IsLower(int c) =>
        c is 0xaa or 0xba or >= 0x2b0 and <= 0x2b8 or >= 0x2c0 and <= 0x2c1 or >= 0x2e0 and <= 0x2e4 or 0x345 or 0x37a or >= 0x1d2c and <=
        0x1d6a or 0x1d78 or >= 0x1d9b and <= 0x1dbf or 0x2071 or 0x207f or >= 0x2090 and <= 0x209c or >= 0x2170 and <= 0x217f or >= 0x24d0
        and <= 0x24e9 or >= 0x2c7c and <= 0x2c7d or >= 0xa69c and <= 0xa69d or 0xa770 or >= 0xa7f8 and <= 0xa7f9 or >= 0xab5c and <=
        0xab5f or 0x10780 or >= 0x10783 and <= 0x10785 or >= 0x10787 and <= 0x107b0 or >= 0x107b2 and <= 0x107ba
        || CharacterClasses.Category(c) == System.Globalization.UnicodeCategory.LowercaseLetter;

    public static bool IsCased(int c) =>
        IsUpper(c) || IsLower(c) || CharacterClasses.Category(c) == System.Globalization.UnicodeCategory.TitlecaseLetter;

    // A sigma ends a word when a cased letter precedes it and none follows, ignoring marks and apostrophes between.
    private static bool IsFinalSigma(string text, int at)
    {
        int before = at - 1;
        while (before >= 0 && IsIgnorable(text[before]))
        {
            before--;
        }

        if (before < 0 || !IsCased(text[before]))
        {
            return false;
        }

        int after = at + 1;
        while (after < text.Length && IsIgnorable(text[after]))
        {
            after++;
        }

        return after >= text.Length || !IsCased(text[after]);
    }

    private static bool IsIgnorable(char c) =>
        c is '\'' or '.' or ':' or '^' or '`' or '\u00a8' or '\u00ad' or '\u00af' or '\u00b4' or '\u00b7' or '\u00b8'
        or '\u2018' or '\u2019' or '\u2024' or '\u2027' || char.GetUnicodeCategory(c) is System.Globalization.UnicodeCategory.NonSpacingMark
        or System.Globalization.UnicodeCategory.EnclosingMark or System.Globalization.UnicodeCategory.Format
            or System.Globalization.UnicodeCategory.ModifierLetter
        or System.Globalization.UnicodeCategory.ModifierSymbol;
}
