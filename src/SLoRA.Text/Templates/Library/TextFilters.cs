using System.Text;

namespace SLoRA.Text.Templates;

/// <summary>Filters from text to text. Most take any value and use its text; markup stays markup where it does in the reference.</summary>
internal static class TextFilters
{
    public static void Register(Action<string, string, Filter> add)
    {
        add("upper", "", (r, v, _) => Soft(r, v, Casing.Upper));
        add("lower", "", (r, v, _) => Soft(r, v, Casing.Lower));
        add("capitalize", "", (r, v, _) => Soft(r, v, Casing.Capitalize));
        add("title", "", (r, v, _) => Title(r, v));
        add("trim", "chars=none", (r, v, a) => Edited(r, v, text => TextEdits.Strip(r, text, a[0], true, true)));
        add("center", "width=80", (r, v, a) => Edited(r, v, text => TextEdits.Pad(r, text, a[0], " ", '^')));
        add("string", "", (r, v, _) => v is Markup ? v : Charged(r, Representation.TextOf(r, v)));
        add("replace", "s, new, count=none", Replace);
        add("format", "*, **", Format);
        add("indent", "width=4, first=false, blank=false", Indent);
        add("truncate", "length=255, killwords=false, end='...', leeway=none", Truncate);
        add("wordcount", "", (r, v, _) => WordCount(r, Representation.Text(r, v)));
        add("wordwrap", "width=79, break_long_words=true, wrapstring=none, break_on_hyphens=true", WordWrap.Apply);
        add("join", "d='', attribute=none", Join);
        add("tojson", "ensure_ascii=false, indent=none, separators=none, sort_keys=false", (r, v, a) =>
            JsonText.Write(r, v, Truth.Of(a[0]), a[1], a[2], Truth.Of(a[3])));
        add("pprint", "", (r, _, _) => throw r.Runtime("the filter 'pprint' is not supported"));
    }

    // Characters from characters, without a trace of which came from which.
    private static object Soft(Rendering r, object? value, Func<string, string> edit) => Edited(r, value, text =>
    {
        string characters = text.ToString()!;
        r.Budget.PerCharacter(characters);
        return ContentText.From(r, edit(characters), text);
    });

    private static object Edited(Rendering r, object? value, Func<object, object> edit)
    {
        object result = edit(Charged(r, Representation.TextOf(r, value)));
        return value is Markup ? Markup.Of(result) : result;
    }

    private static object Charged(Rendering r, object text)
    {
        r.Budget.Characters(text.ToString()!.Length);
        return text;
    }

    // The first character after a space, hyphen or opening bracket in upper case, the rest in lower case. Gives plain text.
    private static object Title(Rendering r, object? value)
    {
        string text = Representation.Text(r, value);
        r.Budget.PerCharacter(text);
        var result = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length;)
        {
            int end = i;
            bool separator = IsTitleBreak(text[i]);
            while (end < text.Length && IsTitleBreak(text[end]) == separator)
            {
                end++;
            }

            int width = CodePoints.Width(text, i);
            result.Append(Casing.Upper(text.Substring(i, width))).Append(Casing.Lower(text[(i + width)..end]));
            i = end;
        }

        return ContentText.From(r, result.ToString(), value);
    }

    private static bool IsTitleBreak(char c) => c is '-' or '(' or '{' or '[' or '<' || CharacterClasses.IsSpace(c);

    private static object Replace(Rendering r, object? value, object?[] a)
    {
        object text = Representation.TextOf(r, value);
        string old = Representation.Text(r, a[0]);
        object replacement = Representation.TextOf(r, a[1]);
        long count = a[2] is null ? -1 : Text.Whole(r, a[2], "replace");
        if (!r.Autoescape)
        {
            return TextEdits.Replace(r, text, old, replacement, count);
        }

        bool escape = a[0] is Markup || (a[1] is Markup && value is not Markup);
        if (escape && value is not Markup)
        {
            text = Markup.Escaped(text);
        }

        bool markup = escape || value is Markup;
        if (markup && a[1] is not Markup)
        {
            replacement = Markup.Escaped(replacement);
        }

        object result = TextEdits.Replace(r, text, old, replacement, count);
        return markup ? Markup.Of(result) : result;
    }

    private static object Format(Rendering r, object? value, object?[] a)
    {
        object?[] positional = ((TemplateList)a[0]!).Items;
        var named = (TemplateDict)a[1]!;
        if (positional.Length > 0 && named.Count > 0)
        {
            throw r.Runtime("format() can't handle positional and keyword arguments at the same time");
        }

        object format = value is Markup ? value : Representation.TextOf(r, value);
        return PercentFormat.Apply(r, format, named.Count > 0 ? named : new TemplateTuple(positional));
    }

    private static object Indent(Rendering r, object? value, object?[] a)
    {
        Text.Of(r, value, "indent");
        object text = new TextBuilder().AppendText(value!).Append('\n').ToText();
        object indent = Types.IsText(a[0]) ? a[0]! : new string(' ', Width(r, Text.Whole(r, a[0], "indent")));
        if (value is Markup && Types.IsText(a[0]))
        {
            indent = Markup.Escaped(a[0]!);
        }

        int width = indent.ToString()!.Length;
        bool blank = Truth.Of(a[2]);
        var result = new TextBuilder();
        bool firstLine = true;
        foreach ((int from, int to) in TextSplits.EachLine(text.ToString()!, false))
        {
            bool indented = firstLine ? Truth.Of(a[1]) : blank || to > from;
            r.Budget.Characters(to - from + 1 + (indented ? width : 0));
            if (!firstLine)
            {
                result.Append('\n');
            }

            result.AppendText(indented ? indent : "").AppendText(text, from, to);
            firstLine = false;
        }

        return value is Markup ? Markup.Of(result.ToText()) : result.ToText();
    }

    private static int Width(Rendering r, long width)
    {
        r.Budget.Characters(Math.Max(0, width));
        return (int)Math.Max(0, width);
    }

    private static object? Truncate(Rendering r, object? value, object?[] a)
    {
        long length = Text.Whole(r, a[0], "truncate");
        string end = Text.Of(r, a[2], "truncate");
        long leeway = a[3] is null ? 5 : Text.Whole(r, a[3], "truncate");
        long endLength = CodePoints.Count(end);
        if (length < endLength || leeway < 0)
        {
            throw r.Runtime($"truncate() expects a length of at least {endLength} and no negative leeway");
        }

        // What has a length and is short enough passes, text or not.
        if (Iteration.Length(r, value) <= length + leeway)
        {
            return value;
        }

        string text = Text.Of(r, value, "truncate");
        int cut = CodePoints.UnitOf(text, length - endLength);
        if (!Truth.Of(a[1]) && text.AsSpan(0, cut).LastIndexOf(' ') is >= 0 and int space)
        {
            cut = space;
        }

        r.Budget.Characters(cut + end.Length);
        object result = new TextBuilder().AppendText(value!, 0, cut).AppendText(value is Markup ? Markup.Escaped(a[2]!) : a[2]!).ToText();
        return value is Markup ? Markup.Of(result) : result;
    }

    private static object WordCount(Rendering r, string text)
    {
        r.Budget.Step(text.Length >> 4);
        long words = 0;
        bool inside = false;
        for (int i = 0; i < text.Length; i += CodePoints.Width(text, i))
        {
            bool word = CharacterClasses.IsWord(CodePoints.At(text, i));
            words += word && !inside ? 1 : 0;
            inside = word;
        }

        return words;
    }

    private static object Join(Rendering r, object? value, object?[] a)
    {
        IEnumerable<object?> items = Iteration.Over(r, value);
        if (a[1] is not null)
        {
            items = items.Select(Attributes.Getter(r, a[1]));
        }

        object separator = Representation.TextOf(r, a[0]);
        if (!r.Autoescape)
        {
            return TextEdits.Join(r, separator, items, item => Representation.TextOf(r, item));
        }

        object?[] all = [.. items];
        bool markup = a[0] is Markup || Array.Exists(all, i => i is Markup);
        if (!markup)
        {
            return TextEdits.Join(r, separator, all, item => Representation.TextOf(r, item));
        }

        object safe = a[0] is Markup ? separator : Markup.Escaped(separator);
        return Markup.Of(TextEdits.Join(r, safe, all, item => item is Markup m ? m.Plain : Markup.Escaped(Representation.TextOf(r, item))));
    }
}
