using System.Buffers;
using System.Text;

namespace SLoRA.Text.Templates;

/// <summary>Text that counts as already escaped: the result of <c>|e</c> and <c>|safe</c>. Text added to it is escaped on the way.</summary>
internal sealed class Markup(string text)
{
    private static readonly SearchValues<char> Special = SearchValues.Create("&<>\"'");

    /// <summary>The characters.</summary>
    public string Text { get; } = text;

    /// <inheritdoc/>
    public override string ToString() => Text;

    /// <summary>Replaces the five characters that HTML reserves.</summary>
    public static string Escape(string text)
    {
        if (text.AsSpan().IndexOfAny(Special) < 0)
            return text;
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
