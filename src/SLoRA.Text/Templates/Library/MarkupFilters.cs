using System.Text;

namespace SLoRA.Text.Templates;

/// <summary>Filters for HTML and addresses.</summary>
internal static class MarkupFilters
{
    public static void Register(Action<string, string, Filter> add)
    {
        Filter escape = (r, v, _) => v is Markup ? v : Escaped(r, v);
        add("e", "", escape);
        add("escape", "", escape);
        add("forceescape", "", (r, v, _) => Escaped(r, v));
        add("safe", "", (r, v, _) => v is Markup ? v : Markup.Of(Representation.TextOf(r, v)));
        add("striptags", "", (r, v, _) => ContentText.From(r, HtmlText.StripTags(r, Representation.Text(r, v)), v));
        add("urlencode", "", (r, v, _) => ContentText.From(r, UrlEncode(r, v), v));
        add("xmlattr", "autospace=true", XmlAttributes);
        add("urlize", "*, **", (r, _, _) => throw r.Runtime("the filter 'urlize' is not supported"));
    }

    private static Markup Escaped(Rendering r, object? value)
    {
        string text = Markup.Escape(Representation.Text(r, value));
        r.Budget.Characters(text.Length);
        return Markup.Of(ContentText.From(r, text, value));
    }

    private static string UrlEncode(Rendering r, object? value)
    {
        if (Types.IsText(value) || !Iteration.IsIterable(value) || value is Undefined)
        {
            return Quote(r, value, '/');
        }

        IEnumerable<object?> pairs = value is TemplateDict dict ? new DictView(dict, DictPart.Items).Items() : Iteration.Over(r, value);
        return TextEdits.Join(r, "&", pairs, pair =>
        {
            object?[] items = Iteration.ToArray(r, pair);
            return items.Length == 2 ? Quote(r, items[0], ' ') + "=" + Quote(r, items[1], ' ') : throw r.Runtime("urlencode() needs pairs");
        }).ToString()!;
    }

    // A space as the safe character stands for the rules of queries: no slash, and plus for space.
    private static string Quote(Rendering r, object? value, char safe)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(Representation.Text(r, value));
        r.Budget.Characters(3L * bytes.Length);
        var result = new StringBuilder(bytes.Length);
        foreach (byte b in bytes)
        {
            char c = (char)b;
            if (char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-' or '~' || (c == safe && c == '/'))
            {
                result.Append(c);
            }
            else if (c == ' ' && safe == ' ')
            {
                result.Append('+');
            }
            else
            {
                result.Append('%').Append("0123456789ABCDEF"[b >> 4]).Append("0123456789ABCDEF"[b & 15]);
            }
        }

        return result.ToString();
    }

    private static object XmlAttributes(Rendering r, object? value, object?[] a)
    {
        if (value is not TemplateDict dict)
        {
            throw r.Runtime($"xmlattr() needs a mapping, not {Types.Name(value)}");
        }

        var parts = new List<object?>();
        foreach ((object? key, object? item) in dict.Entries)
        {
            r.Budget.Entries(1);
            if (item is null or Undefined)
            {
                continue;
            }

            string name = Text.Of(r, key, "xmlattr");
            if (name.AsSpan().IndexOfAny(" \t\n\v\f\r/>=") >= 0)
            {
                throw r.Runtime($"invalid character in attribute name '{name}'");
            }

            string text = item is Markup m ? m.Text : Markup.Escape(Representation.Text(r, item));
            parts.Add($"{Markup.Escape(name)}=\"{text}\"");
        }

        string joined = TextEdits.Join(r, " ", parts, p => p!).ToString()!;
        object result = ContentText.From(r, Truth.Of(a[0]) && joined.Length > 0 ? " " + joined : joined, value);
        return r.Captured(result);
    }
}
