using System.Globalization;

namespace SLoRA.Text.Templates;

/// <summary>
/// The text method <c>format</c>: fields in braces with attribute and key access under the sandbox, conversions and format specifications,
/// which may themselves hold fields.
/// </summary>
internal static class BraceFormat
{
    public static object Apply(Rendering r, object format, object?[] positional, object? named, bool markup)
    {
        object text = new Run(r, positional, named, markup).Format(format.ToString()!, 2);
        return ContentText.MayBeIn(r, format) ? ContentText.Whole(text.ToString()!) : text;
    }

    private sealed class Run(Rendering r, object?[] positional, object? named, bool markup)
    {
        private int _automatic;
        private bool _manual;

        public object Format(string format, int depth)
        {
            if (depth < 0)
            {
                throw r.Runtime("max string recursion exceeded");
            }

            r.Budget.Characters(format.Length);
            var result = new TextBuilder();
            for (int i = 0; i < format.Length; i++)
            {
                char c = format[i];
                if (c is not ('{' or '}'))
                {
                    result.Append(c);
                }
                else if (i + 1 < format.Length && format[i + 1] == c)
                {
                    result.Append(c);
                    i++;
                }
                else if (c == '}')
                {
                    throw r.Runtime("single '}' encountered in format string");
                }
                else
                {
                    int end = End(format, i + 1);
                    object text = Field(format[(i + 1)..end], depth);
                    r.Budget.Characters(text.ToString()!.Length);
                    result.AppendText(text);
                    i = end;
                }
            }

            return result.ToText();
        }

        private int End(string format, int from)
        {
            int depth = 1;
            bool inSpecification = false;
            for (int i = from; i < format.Length; i++)
            {
                // A bracketed key may hold braces.
                if (format[i] == '[' && depth == 1 && !inSpecification)
                {
                    i = Close(format, i) is > 0 and int close ? close : i;
                }

                inSpecification |= format[i] == ':';
                depth += format[i] == '{' ? 1 : format[i] == '}' ? -1 : 0;
                if (depth == 0)
                {
                    return i;
                }
            }

            throw r.Runtime("expected '}' before end of format string");
        }

        private int Close(string text, int from)
        {
            r.Budget.Step(1 + ((text.Length - from) >> 5));
            return text.IndexOf(']', from);
        }

        private object Field(string field, int depth)
        {
            int cut = 0;
            while (cut < field.Length && field[cut] is not ('!' or ':'))
            {
                cut = field[cut] == '[' && Close(field, cut) is > 0 and int close ? close + 1 : cut + 1;
            }

            object? value = Resolve(field[..cut]);
            if (cut < field.Length && field[cut] == '!')
            {
                value = Converted(field, cut + 1, value);
                cut += 2;
                if (cut < field.Length && field[cut] != ':')
                {
                    throw r.Runtime("expected ':' after conversion specifier");
                }
            }

            object given = cut < field.Length ? Format(field[(cut + 1)..], depth - 1) : "";
            string specification = given.ToString()!;
            if (specification.Length == 0 && (!markup || value is Markup))
            {
                return Representation.TextOf(r, value);
            }

            if (markup && value is Markup)
            {
                throw r.Runtime("unsupported format specification for Markup.");
            }

            string text = FormatSpec.Apply(r, value, specification);
            return ContentText.From(r, markup ? Markup.Escape(text) : text, value, given);
        }

        private object Converted(string field, int at, object? value) => (at < field.Length ? field[at] : '\0') switch
        {
            's' => Representation.TextOf(r, value),
            'r' or 'a' => Representation.SourceOf(r, value),
            _ => throw r.Runtime("unknown conversion specifier in a format field"),
        };

        private object? Resolve(string path)
        {
            int end = path.AsSpan().IndexOfAny('.', '[');
            string first = end < 0 ? path : path[..end];
            object? value = First(first);
            int at = end < 0 ? path.Length : end;
            while (at < path.Length)
            {
                if (path[at] == '.')
                {
                    int next = path.AsSpan(at + 1).IndexOfAny('.', '[');
                    int stop = next < 0 ? path.Length : at + 1 + next;
                    value = Members.Attribute(r, value, path[(at + 1)..stop]);
                    at = stop;
                    continue;
                }

                int close = path[at] == '[' ? path.IndexOf(']', at) : -1;
                if (close < 0)
                {
                    throw r.Runtime("a format field is not well-formed");
                }

                string key = path[(at + 1)..close];
                value = Members.Item(r, value, key.Length > 0 && key.All(char.IsAsciiDigit) && key.Length < 18
                    ? long.Parse(key, CultureInfo.InvariantCulture)
                    : key);
                at = close + 1;
            }

            return value;
        }

        private object? First(string name)
        {
            if (name.Length == 0 || name.All(char.IsAsciiDigit))
            {
                bool manual = name.Length > 0;
                if (_automatic > 0 && manual || _manual && !manual)
                {
                    throw r.Runtime("cannot switch between automatic and manual field numbering");
                }

                _manual |= manual;
                long index = manual ? (name.Length < 10 ? long.Parse(name, CultureInfo.InvariantCulture) : long.MaxValue) : _automatic++;
                return index < positional.Length
                    ? positional[index]
                    : throw r.Runtime($"Replacement index {index} out of range for positional args tuple");
            }

            if (named is TemplateDict dict && dict.TryGet(name, out object? value))
            {
                return value;
            }

            throw r.Runtime($"the format field '{name}' has no value");
        }
    }
}
