using System.Buffers;
using System.Text;

namespace SLoRA.Text.Templates;

/// <summary>
/// Text that counts as already escaped: the result of <c>|e</c> and <c>|safe</c>. Text added to it is escaped on the way.
/// </summary>
internal sealed class Markup(string text, ContentRange[]? content = null) : RichText(text, content)
{
    private static readonly SearchValues<char> Special = SearchValues.Create("&<>\"'");

    /// <summary>The same characters as ordinary text.</summary>
    public object Plain => ContentText.Of(Text, Content);

    /// <summary>Any text as markup, as it is.</summary>
    public static Markup Of(object text) => text as Markup ?? new Markup(text.ToString()!, (text as RichText)?.Content);

    /// <summary>Replaces the five characters that HTML reserves, in text that is not markup.</summary>
    public static object Escaped(object text) => text switch
    {
        Markup markup => markup.Plain,
        string plain => Escape(plain),
        _ => ContentText.Whole(Escape(text.ToString()!)),
    };

    /// <summary>Replaces the five characters that HTML reserves.</summary>
    public static string Escape(string text)
    {
        if (text.AsSpan().IndexOfAny(Special) < 0)
        {
            return text;
        }

        var result = new StringBuilder(text.Length + 16);
        foreach (char c in text)
        {
            switch (c)
            {
                case '&': result.Append("&amp;"); break;
                case '<': result.Append("&lt;"); break;
                case '>': result.Append("&gt;"); break;
                case '"': result.Append("&#34;"); break;
                case '\'': result.Append("&#39;"); break;
                default: result.Append(c); break;
            }
        }

        return result.ToString();
    }
}
