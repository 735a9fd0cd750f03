using System.Globalization;
using System.Text;

namespace SLoRA.Text.Tokenization;

/// <summary>How messages show what a file or a text holds: in quotes, cut when long, with controls and line breaks as escapes.</summary>
internal static class Excerpt
{
    private const int MaxLength = 80;

    public static string Of(ReadOnlySpan<byte> utf8)
    {
        // As many bytes as the longest excerpt can need; a character cut in half at the end falls to the cut below.
        bool isCut = utf8.Length > 4 * MaxLength;
        return Of(Encoding.UTF8.GetString(isCut ? utf8[..(4 * MaxLength)] : utf8), isCut);
    }

    public static string Of(ReadOnlySpan<char> text) => Of(text, isCut: false);

    private static string Of(ReadOnlySpan<char> text, bool isCut)
    {
        if (text.Length > MaxLength)
        {
            isCut = true;
            text = text[..(char.IsHighSurrogate(text[MaxLength - 1]) ? MaxLength - 1 : MaxLength)];
        }

        var shown = new StringBuilder("'");
        foreach (char c in text)
        {
            bool hides = char.IsControl(c) || c is '\u2028' or '\u2029' || char.GetUnicodeCategory(c) == UnicodeCategory.Format;
            if (hides)
            {
                shown.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            }
            else
            {
                shown.Append(c);
            }
        }

        return shown.Append(isCut ? "…'" : "'").ToString();
    }
}
