using System.Globalization;
using System.Numerics;

namespace SLoRA.Text.Templates;

/// <summary>
/// A value as text: as printed (<see cref="Text"/>) and as it appears within a container (<see cref="Source"/>, with quotes and escapes).
/// </summary>
internal static class Representation
{
    public static string Text(Rendering r, object? value) => TextOf(r, value).ToString()!;

    /// <summary>As <see cref="Text"/>, with what of it is content. Markup becomes ordinary text.</summary>
    public static object TextOf(Rendering r, object? value) => value switch
    {
        string or ContentText => value,
        Markup m => m.Plain,
        Undefined => "",
        _ => SourceOf(r, value),
    };

    public static string Source(Rendering r, object? value) => SourceOf(r, value).ToString()!;

    /// <summary>As <see cref="Source"/>, with what of it is content.</summary>
    public static object SourceOf(Rendering r, object? value)
    {
        switch (value)
        {
            case null: return "None";
            case bool b: return b ? "True" : "False";
            case long or BigInteger: return Integers.Text(value);
            case double d: return Floats.Text(d);
        }

        var target = new TextBuilder();
        Append(r, target, value);
        return target.ToText();
    }

    private static void Append(Rendering r, TextBuilder target, object? value)
    {
        int before = target.Length;
        r.Budget.Enter();
        r.Budget.Step();
        switch (value)
        {
            case null or bool or long or BigInteger or double: target.AppendText(SourceOf(r, value)); break;
            case string s: Quote(target, s); break;
            case Markup m: Quote(target.Append("Markup("), m); target.Append(')'); break;
            case ContentText content: Quote(target, content); break;
            case TemplateList list: Items(r, target, "[", list.Items, "]"); break;
            case TemplateTuple tuple: Items(r, target, "(", tuple.Items, tuple.Items.Length == 1 ? ",)" : ")"); break;
            case TemplateDict dict: Entries(r, target, "{", dict.Entries.Select(e => (e.Key, e.Value)), "}"); break;
            case DictView view: Items(r, target, Types.Name(view) + "([", view.Items(), "])"); break;
            case TemplateRange range:
                target.Append(string.Create(CultureInfo.InvariantCulture, $"range({range.Start}, "
                    + $"{range.Stop}{(range.Step == 1 ? "" : ", " + range.Step.ToString(CultureInfo.InvariantCulture))})"));
                break;
            case TemplateNamespace space:
                Entries(r, target, "<Namespace {", space.Members.Select(e => ((object?)r.NameOf(e.Key), e.Value)), "}>");
                break;
            case SelfReference: target.Append("<TemplateReference None>"); break;
            case Undefined: target.Append("Undefined"); break;
            case Macro macro: target.Append("<Macro ").Append(macro.Name is null ? "anonymous" : $"'{macro.Name}'").Append('>'); break;
            case LoopState loop:
                target.Append(
                string.Create(CultureInfo.InvariantCulture, $"<LoopContext {loop.Index0 + 1}/{loop.Length}>")); break;
            default:
                // The reference prints a memory address here, which no prompt can want.
                throw r.Runtime($"a {Types.Name(value)} has no text; use |list or call it");
        }

        // Containers charge through their entries.
        if (value is string or RichText)
        {
            r.Budget.Characters(target.Length - before);
        }

        r.Budget.Leave();
    }

    private static void Items(Rendering r, TextBuilder target, string open, IEnumerable<object?> items, string close)
    {
        target.Append(open);
        bool first = true;
        foreach (object? item in items)
        {
            if (!first)
            {
                target.Append(", ");
            }

            first = false;
            r.Budget.Characters(8);
            Append(r, target, item);
        }

        target.Append(close);
    }

    private static void Entries(
        Rendering r, TextBuilder target, string open, IEnumerable<(object? Key, object? Value)> entries, string close)
    {
        target.Append(open);
        bool first = true;
        foreach ((object? key, object? value) in entries)
        {
            if (!first)
            {
                target.Append(", ");
            }

            first = false;
            r.Budget.Characters(8);
            Append(r, target, key);
            target.Append(": ");
            Append(r, target, value);
        }

        target.Append(close);
    }

    /// <summary>Text in quotes: single ones unless only those occur inside; what is not printable as an escape.</summary>
    private static void Quote(TextBuilder target, object value)
    {
        string text = value.ToString()!;
        int start = target.Length;
        char quote = text.Contains('\'', StringComparison.Ordinal) && !text.Contains('"', StringComparison.Ordinal) ? '"' : '\'';
        target.Append(quote);
        for (int i = 0; i < text.Length; i += CodePoints.Width(text, i))
        {
            int c = CodePoints.At(text, i);
            if (c == quote || c == '\\')
            {
                target.Append('\\').Append((char)c);
            }
            else if (c is >= ' ' and < 0x7f || (c > 0x7f && CharacterClasses.IsPrintable(c)))
            {
                target.Append(text.Substring(i, CodePoints.Width(text, i)));
            }
            else
            {
                Escape(target, c);
            }
        }

        target.Append(quote);
        if (value is RichText { Content: not null })
        {
            target.MarkFrom(start);
        }
    }

    private static void Escape(TextBuilder target, int c)
    {
        switch (c)
        {
            case '\n': target.Append("\\n"); break;
            case '\r': target.Append("\\r"); break;
            case '\t': target.Append("\\t"); break;
            case <= 0xff: target.Append(string.Create(CultureInfo.InvariantCulture, $"\\x{c:x2}")); break;
            case <= 0xffff: target.Append(string.Create(CultureInfo.InvariantCulture, $"\\u{c:x4}")); break;
            default: target.Append(string.Create(CultureInfo.InvariantCulture, $"\\U{c:x8}")); break;
        }
    }
}
