using System.Globalization;
using System.Numerics;

namespace SLoRA.Text.Templates;

/// <summary>
/// The filter <c>tojson</c>: JSON as Python's <c>json.dumps</c> lays it out, with text left as it is unless ASCII is asked for.
/// </summary>
internal sealed class JsonText
{
    private readonly Rendering _r;
    private readonly TextBuilder _target = new();
    private readonly bool _ascii;
    private readonly string? _indent;
    private readonly string _itemSeparator;
    private readonly string _keySeparator;
    private readonly bool _sorted;
    private int _charged;

    private JsonText(Rendering r, bool ascii, object? indent, object? separators, bool sorted)
    {
        _r = r;
        _ascii = ascii;
        _sorted = sorted;
        _indent = Indent(r, indent);
        (_itemSeparator, _keySeparator) = (_indent is null ? ", " : ",", ": ");
        if (separators is null)
        {
            return;
        }

        object?[] pair = Iteration.ToArray(r, separators);
        if (pair.Length != 2)
        {
            throw r.Runtime("tojson() needs two separators");
        }

        (_itemSeparator, _keySeparator) = (Text.Of(r, pair[0], "tojson"), Text.Of(r, pair[1], "tojson"));
    }

    public static object Write(Rendering r, object? value, bool ascii, object? indent, object? separators, bool sorted)
    {
        var json = new JsonText(r, ascii, indent, separators, sorted);
        json.Value(value, 0);
        json.Charge();
        return ContentText.MayBeIn(r, indent) || ContentText.MayBeIn(r, separators)
            ? ContentText.Whole(json._target.ToString())
            : json._target.ToText();
    }

    private static string? Indent(Rendering r, object? indent)
    {
        if (indent is null)
        {
            return null;
        }

        if (Types.IsText(indent))
        {
            return indent.ToString();
        }

        long width = Math.Max(0, Text.Whole(r, indent, "tojson"));
        r.Budget.Characters(width);
        return new string(' ', (int)width);
    }

    private void Value(object? value, int depth)
    {
        _r.Budget.Enter();
        _r.Budget.Step();
        switch (value)
        {
            case null: _target.Append("null"); break;
            case bool b: _target.Append(b ? "true" : "false"); break;
            case long or BigInteger: _target.Append(Integers.Text(value)); break;
            case double d: _target.Append(Float(d)); break;
            case string or RichText: Quote(value); break;
            case TemplateSequence sequence: Items(sequence.Items, depth); break;
            case TemplateDict dict: Entries(dict, depth); break;
            default: throw _r.Runtime($"Object of type {Types.Name(value)} is not JSON serializable");
        }

        Charge();
        _r.Budget.Leave();
    }

    private void Items(object?[] items, int depth)
    {
        _target.Append('[');
        for (int i = 0; i < items.Length; i++)
        {
            Separate(i, depth);
            Value(items[i], depth + 1);
        }

        Close(items.Length, depth, ']');
    }

    private void Entries(TemplateDict dict, int depth)
    {
        IReadOnlyList<KeyValuePair<object?, object?>> entries = dict.Entries;
        if (_sorted)
        {
            entries = Sorting.Sort(_r, entries, e => e.Key, false);
        }

        _target.Append('{');
        for (int i = 0; i < entries.Count; i++)
        {
            Separate(i, depth);
            Quote(Key(entries[i].Key));
            _target.Append(_keySeparator);
            Value(entries[i].Value, depth + 1);
        }

        Close(entries.Count, depth, '}');
    }

    private object Key(object? key) => key switch
    {
        string or RichText => key,
        null => "null",
        bool b => b ? "true" : "false",
        long or BigInteger => Integers.Text(key),
        double d => Float(d),
        _ => throw _r.Runtime($"keys must be str, int, float, bool or None, not {Types.Name(key)}"),
    };

    private void Separate(int index, int depth)
    {
        if (index > 0)
        {
            _target.Append(_itemSeparator);
        }

        NewLine(depth + 1);
    }

    private void Close(int count, int depth, char bracket)
    {
        if (count > 0)
        {
            NewLine(depth);
        }

        _target.Append(bracket);
    }

    private void NewLine(int depth)
    {
        if (_indent is null)
        {
            return;
        }

        _r.Budget.Characters((long)_indent.Length * depth);
        _target.Append('\n');
        for (int i = 0; i < depth; i++)
        {
            _target.Append(_indent);
        }
    }

    private void Charge()
    {
        _r.Budget.Characters(_target.Length - _charged);
        _charged = _target.Length;
    }

    private static string Float(double value) =>
        double.IsNaN(value) ? "NaN" : double.IsInfinity(value) ? (value > 0 ? "Infinity" : "-Infinity") : Floats.Text(value);

    private void Quote(object value)
    {
        _target.Append('"');
        if (value is RichText { Content: { } content } rich)
        {
            int at = 0;
            foreach (ContentRange range in content)
            {
                Escape(rich.Text.AsSpan(at, range.Start - at));
                int start = _target.Length;
                Escape(rich.Text.AsSpan(range.Start, range.End - range.Start));
                _target.MarkFrom(start);
                at = range.End;
            }

            Escape(rich.Text.AsSpan(at));
        }
        else
        {
            Escape(value.ToString());
        }

        _target.Append('"');
    }

    private void Escape(ReadOnlySpan<char> text)
    {
        foreach (char c in text)
        {
            switch (c)
            {
                case '"': _target.Append("\\\""); break;
                case '\\': _target.Append("\\\\"); break;
                case '\n': _target.Append("\\n"); break;
                case '\r': _target.Append("\\r"); break;
                case '\t': _target.Append("\\t"); break;
                case '\b': _target.Append("\\b"); break;
                case '\f': _target.Append("\\f"); break;
                default:
                    if (c < ' ' || (_ascii && c > '~'))
                    {
                        _target.Append(string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"));
                    }
                    else
                    {
                        _target.Append(c);
                    }

                    break;
            }
        }
    }
}
