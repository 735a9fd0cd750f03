using System.Net;

namespace SLoRA.Text.Templates;

/// <summary>Text out of HTML.</summary>
internal static class HtmlText
{
    /// <summary>Removes comments and tags, collapses spaces, resolves entities.</summary>
    public static string StripTags(Rendering r, string text)
    {
        string plain = Remove(r, Remove(r, text, "<!--", "-->"), "<", ">");
        r.Budget.Characters(plain.Length);
        object?[] words = TextSplits.Split(r, plain, null, -1).Items;
        return WebUtility.HtmlDecode(string.Join(' ', words));
    }

    private static string Remove(Rendering r, string text, string open, string close)
    {
        while (true)
        {
            int start = text.IndexOf(open, StringComparison.Ordinal);
            int end = start < 0 ? -1 : text.IndexOf(close, start, StringComparison.Ordinal);
            if (end < 0)
            {
                return text;
            }

            r.Budget.Characters(text.Length);
            text = string.Concat(text.AsSpan(0, start), text.AsSpan(end + close.Length));
        }
    }
}
