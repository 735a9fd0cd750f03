using System.Numerics;
using System.Text;

namespace SLoRA.Text.Templates;

/// <summary>Formatting with <c>%</c>: <c>%(key)-08.3f</c> and its relatives.</summary>
internal static class PercentFormat
{
    public static object Apply(Rendering r, object format, object? value)
    {
        bool markup = format is Markup;
        object text = new Run(r, format.ToString()!, value, markup).Format();
        if (ContentText.MayBeIn(r, format))
        {
            text = ContentText.Whole(text.ToString()!);
        }

        return markup ? Markup.Of(text) : text;
    }

    private sealed class Run(Rendering r, string format, object? value, bool markup)
    {
        private readonly object?[] _items = value is TemplateTuple tuple ? tuple.Items : [value];
        private readonly TextBuilder _result = new();
        private int _at;
        private int _next;
        private bool _byKey;

        public object Format()
        {
            r.Budget.Characters(format.Length);
            while (_at < format.Length)
            {
                int percent = format.IndexOf('%', _at);
                if (percent < 0)
                {
                    percent = format.Length;
                }

                _result.AppendText(format, _at, percent);
                _at = percent + 1;
                if (percent < format.Length)
                {
                    Field();
                }
            }

            // One value that is no tuple may stay unused only if it is a mapping or a list.
            bool container = value is TemplateDict or TemplateList;
            if (_next < _items.Length && !_byKey && !(container && _next == 0))
            {
                throw r.Runtime("not all arguments converted during string formatting");
            }

            return _result.ToText();
        }

        private void Field()
        {
            object? item = Unset;
            if (Peek() == '(')
            {
                item = ByKey();
            }

            string flags = "";
            for (; Peek() is '-' or '+' or ' ' or '#' or '0'; _at++)
            {
                if (!flags.Contains(format[_at], StringComparison.Ordinal))
                {
                    flags += format[_at];
                }
            }

            long width = Number();
            int precision = -1;
            if (Peek() == '.')
            {
                _at++;
                precision = (int)Number();
            }

            while (Peek() is 'h' or 'l' or 'L')
            {
                _at++;
            }

            if (_at >= format.Length)
            {
                throw r.Runtime("incomplete format");
            }

            char type = format[_at++];
            if (width < 0)
            {
                flags += '-';
                width = -width;
            }

            r.Budget.Characters(width);
            item = ReferenceEquals(item, Unset) && type != '%' ? Next() : item;
            if (type == 's' && width == 0 && precision < 0 && !markup)
            {
                object whole = Representation.TextOf(r, item);
                r.Budget.Characters(whole.ToString()!.Length);
                _result.AppendText(whole);
                return;
            }

            string text = type == '%' ? "%" : Convert(type, item, flags, precision, width);
            string padded = text.Length >= width || type == '%' ? text : flags.Contains('-', StringComparison.Ordinal)
                ? text + new string(' ', (int)Math.Max(0, width - CodePoints.Count(text)))
                : new string(' ', (int)Math.Max(0, width - CodePoints.Count(text))) + text;
            r.Budget.Characters(padded.Length);
            _result.AppendText(ContentText.From(r, padded, item));
        }

        private static readonly object Unset = new();

        private object? ByKey()
        {
            if (value is not TemplateDict dict)
            {
                throw r.Runtime("format requires a mapping");
            }

            int depth = 1;
            int start = ++_at;
            while (_at < format.Length && depth > 0)
            {
                depth += format[_at] == '(' ? 1 : format[_at] == ')' ? -1 : 0;
                _at++;
            }

            if (depth > 0)
            {
                throw r.Runtime("incomplete format key");
            }

            string key = format[start..(_at - 1)];
            _byKey = true;
            return dict.TryGet(key, out object? item) ? item : throw r.Runtime($"the format key '{key}' is missing");
        }

        private object? Next() => _next < _items.Length ? _items[_next++] : throw r.Runtime("not enough arguments for format string");

        private char Peek() => _at < format.Length ? format[_at] : '\0';

        private long Number()
        {
            if (Peek() == '*')
            {
                _at++;
                return Math.Clamp(Text.Whole(r, Next(), "%"), -int.MaxValue, int.MaxValue);
            }

            long number = 0;
            while (_at < format.Length && char.IsAsciiDigit(format[_at]))
            {
                number = number * 10 + (format[_at++] - '0');
                if (number > int.MaxValue)
                {
                    throw r.Error("template.limit", "a format width or precision is too large");
                }
            }

            return number;
        }

        private string Convert(char type, object? item, string flags, int precision, long width)
        {
            switch (type)
            {
                case 's' or 'r' or 'a':
                    string text = type == 's' ? Representation.Text(r, item) : Representation.Source(r, item);
                    text = precision >= 0 ? text[..CodePoints.UnitOf(text, precision)] : text;
                    return markup && item is not Markup ? Markup.Escape(text) : text;
                case 'c':
                    return Character(item);
                case 'd' or 'i' or 'u' or 'x' or 'X' or 'o':
                    return Integer(type, item, flags, precision, width);
                case 'e' or 'E' or 'f' or 'F' or 'g' or 'G':
                    r.Defined(item);
                    if (!Types.IsNumber(item))
                    {
                        throw r.Runtime($"must be real number, not {Types.Name(item)}");
                    }

                    double number = Numbers.ToDouble(item);
                    string digits = FloatFormat.Digits(r, number, type, precision, flags.Contains('#', StringComparison.Ordinal));
                    return Signed(double.IsNegative(number) && !double.IsNaN(number), "", digits, flags, width);
                default:
                    throw r.Runtime($"unsupported format character '{type}'");
            }
        }

        private string Integer(char type, object? item, string flags, int precision, long width)
        {
            r.Defined(item);
            BigInteger number = item switch
            {
                double d when type is 'd' or 'i' or 'u' && double.IsFinite(d) => new BigInteger(d),
                long or bool or BigInteger => Integers.Big(item),
                _ => throw r.Runtime($"%{type} format: a number is required, not {Types.Name(item)}"),
            };
            string digits = FormatSpec.InRadix(BigInteger.Abs(number), type);
            if (precision > digits.Length)
            {
                r.Budget.Characters(precision);
                digits = digits.PadLeft(precision, '0');
            }

            string prefix = flags.Contains('#', StringComparison.Ordinal) && type is 'x' or 'X' or 'o' && flags.Contains(
                '#', StringComparison.Ordinal) ? "0" + type : "";
            return Signed(number.Sign < 0, prefix, digits, flags, width);
        }

        private static string Signed(bool negative, string prefix, string digits, string flags, long width)
        {
            string sign = negative ? "-" : flags.Contains('+', StringComparison.Ordinal)
                ? "+"
                : flags.Contains(' ', StringComparison.Ordinal) ? " " : "";
            if (flags.Contains('0', StringComparison.Ordinal) && !flags.Contains('-', StringComparison.Ordinal))
            {
                digits = digits.PadLeft((int)Math.Max(0, width - sign.Length - prefix.Length), '0');
            }

            return sign + prefix + digits;
        }

        private string Character(object? item)
        {
            if (Types.IsText(item) && CodePoints.Count(item!.ToString()!) == 1)
            {
                return item.ToString()!;
            }

            if (!Types.IsInteger(item) || Integers.Clamp(item) is < 0 or > 0x10FFFF)
            {
                throw r.Runtime("%c requires an integer or one character");
            }

            var one = new StringBuilder();
            CodePoints.Append(one, (int)Integers.Clamp(item));
            return one.ToString();
        }
    }
}
