using System.Globalization;
using System.Text;

namespace SLoRA.Text.Templates;

/// <summary>The backslash escapes of a quoted text.</summary>
internal static class Escapes
{
    public static string Resolve(string text, int line)
    {
        if (!text.Contains('\\', StringComparison.Ordinal))
        {
            return text;
        }

        var result = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\')
            {
                result.Append(text[i]);
                continue;
            }

            i = One(text, i + 1, result, line);
        }

        return result.ToString();
    }

    // Resolves the escape whose letter is at i and returns its last position.
    private static int One(string text, int i, StringBuilder result, int line)
    {
        char c = text[i];
        switch (c)
        {
            case '\n': break;
            case '\\' or '\'' or '"': result.Append(c); break;
            case 'n': result.Append('\n'); break;
            case 't': result.Append('\t'); break;
            case 'r': result.Append('\r'); break;
            case 'a': result.Append('\a'); break;
            case 'b': result.Append('\b'); break;
            case 'f': result.Append('\f'); break;
            case 'v': result.Append('\v'); break;
            case 'x': return Hex(text, i, 2, result, line);
            case 'u': return Hex(text, i, 4, result, line);
            case 'U': return Hex(text, i, 8, result, line);
            case >= '0' and <= '7': return Octal(text, i, result);
            case 'N': throw new ChatTemplateException("template.syntax", "characters by name (\\N) are not supported", line);
            case > '\x7f':
                // The reference turns the character into its own escape first, whose backslash this one then quotes.
                int point = CodePoints.At(text, i);
                string digits = point.ToString(point <= 0xff ? "x2" : point <= 0xffff ? "x4" : "x8", CultureInfo.InvariantCulture);
                result.Append('\\').Append(point <= 0xff ? 'x' : point <= 0xffff ? 'u' : 'U').Append(digits);
                return i + CodePoints.Width(text, i) - 1;
            default: result.Append('\\').Append(c); break;
        }

        return i;
    }

    private static int Hex(string text, int i, int count, StringBuilder result, int line)
    {
        if (text.Length - 1 - i < count
            || !uint.TryParse(text.AsSpan(i + 1, count), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint point)
            || point > 0x10FFFF)
        {
            throw new ChatTemplateException(
                "template.syntax", $"the escape \\{text[i]} needs {count} hexadecimal digits of a character", line);
        }

        CodePoints.Append(result, (int)point);
        return i + count;
    }

    private static int Octal(string text, int i, StringBuilder result)
    {
        int value = 0;
        int end = i;
        while (end < text.Length && end < i + 3 && text[end] is >= '0' and <= '7')
        {
            value = value * 8 + (text[end++] - '0');
        }

        result.Append((char)value);
        return end - 1;
    }
}
