using System.Text;

namespace SLoRA.Text.Templates;

/// <summary>Text counted in code points, as the language counts it. A string without surrogates takes the short way everywhere.</summary>
internal static class CodePoints
{
    public static bool AreUnits(string text) => text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') < 0;

    public static int Count(ReadOnlySpan<char> text)
    {
        int count = text.Length;
        int from = text.IndexOfAnyInRange('\uD800', '\uDBFF');
        if (from < 0)
        {
            return count;
        }

        for (int i = from; i + 1 < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && char.IsLowSurrogate(text[i + 1]))
            {
                count--;
                i++;
            }
        }

        return count;
    }

    /// <summary>How many units the code point at <paramref name="index"/> takes: 2 for a surrogate pair, else 1.</summary>
    public static int Width(string text, int index) =>
        index + 1 < text.Length && char.IsHighSurrogate(text[index]) && char.IsLowSurrogate(text[index + 1]) ? 2 : 1;

    /// <summary>The code point at a unit; a lone surrogate gives its own value.</summary>
    public static int At(string text, int index) =>
        Width(text, index) == 2 ? char.ConvertToUtf32(text[index], text[index + 1]) : text[index];

    /// <summary>The unit where code point number <paramref name="count"/> starts, not beyond the end.</summary>
    public static int UnitOf(string text, long count)
    {
        if (AreUnits(text))
        {
            return (int)Math.Min(count, text.Length);
        }

        int unit = 0;
        while (count > 0 && unit < text.Length)
        {
            unit += Width(text, unit);
            count--;
        }

        return unit;
    }

    /// <summary>One string per code point.</summary>
    public static IEnumerable<string> Each(string text)
    {
        for (int i = 0; i < text.Length;)
        {
            int width = Width(text, i);
            yield return text.Substring(i, width);
            i += width;
        }
    }

    /// <summary>One text value per code point of a text value.</summary>
    public static IEnumerable<object> Each(object text)
    {
        string characters = text.ToString()!;
        for (int i = 0; i < characters.Length;)
        {
            int width = Width(characters, i);
            yield return ContentText.Slice(text, i, i + width);
            i += width;
        }
    }

    /// <summary>The code points from last to first.</summary>
    public static string Reverse(string text)
    {
        if (AreUnits(text))
        {
            return string.Create(text.Length, text, static (span, source) =>
            {
                source.CopyTo(span);
                span.Reverse();
            });
        }

        var result = new StringBuilder(text.Length);
        for (int end = text.Length; end > 0;)
        {
            int width = end > 1 && Width(text, end - 2) == 2 ? 2 : 1;
            result.Append(text, end - width, width);
            end -= width;
        }

        return result.ToString();
    }

    /// <summary>Appends a code point; a surrogate value goes in as it is.</summary>
    public static void Append(StringBuilder target, int codePoint)
    {
        if (codePoint >= 0x10000)
        {
            target.Append(char.ConvertFromUtf32(codePoint));
        }
        else
        {
            target.Append((char)codePoint);
        }
    }
}
