using System.Globalization;
using System.Numerics;
using System.Text;

namespace SLoRA.Text.Templates;

/// <summary>The small language after the colon of a format field: <c>[[fill]align][sign][#][0][width][,][.precision][type]</c>.</summary>
internal sealed class FormatSpec
{
    private string _fill = " ";
    private char _align;
    private char _sign = '-';
    private bool _alternate;
    private char _group;
    private long _width;
    private int _precision = -1;
    private char _type;

    /// <summary>A value laid out as the specification says.</summary>
    public static string Apply(Rendering r, object? value, string specification)
    {
        if (specification.Length == 0)
        {
            return Representation.Text(r, value);
        }

        FormatSpec spec = Parse(r, specification);
        r.Budget.Characters(spec._width);
        return value switch
        {
            string or RichText => spec.OfText(r, value.ToString()!),
            bool when spec._type is '\0' or 's' => spec.OfText(r, Representation.Text(r, value)),
            long or BigInteger or bool when spec._type is '\0' or 'd' or 'n' or 'x' or 'X' or 'o' or 'b' or 'c' =>
                spec.OfInteger(r, Integers.Big(value)),
            double or long or BigInteger or bool => spec.OfFloat(r, Numbers.ToDouble(value)),
            _ => throw r.Runtime($"unsupported format string passed to {Types.Name(value)}"),
        };
    }

    private static FormatSpec Parse(Rendering r, string text)
    {
        var spec = new FormatSpec();
        int at = 0;
        int first = CodePoints.Width(text, 0);
        if (first < text.Length && IsAlign(text[first]))
        {
            spec._fill = text[..first];
            spec._align = text[first];
            at = first + 1;
        }
        else if (IsAlign(text[0]))
        {
            spec._align = text[at++];
        }

        if (At(text, at) is '+' or '-' or ' ')
        {
            spec._sign = text[at++];
        }

        if (At(text, at) == '#')
        {
            spec._alternate = true;
            at++;
        }

        if (At(text, at) == '0')
        {
            if (spec._align == '\0')
            {
                (spec._fill, spec._align) = ("0", '=');
            }

            at++;
        }

        spec._width = Number(r, text, ref at);
        if (At(text, at) is ',' or '_')
        {
            spec._group = text[at++];
        }

        if (At(text, at) == '.')
        {
            at++;
            int digits = at;
            long precision = Number(r, text, ref at);
            if (at == digits)
            {
                throw r.Runtime("the format specifier is missing its precision");
            }

            spec._precision = (int)precision;
        }

        if (at < text.Length)
        {
            spec._type = text[at++];
        }

        return at == text.Length ? spec : throw r.Runtime($"invalid format specifier '{text}'");
    }

    private string OfText(Rendering r, string text)
    {
        if (_type is not ('\0' or 's') || _sign != '-' || _align == '=' && _fill != "0" || _group != '\0' || _alternate)
        {
            throw r.Runtime($"the format code '{_type}' does not fit text");
        }

        if (_precision >= 0)
        {
            text = text[..CodePoints.UnitOf(text, _precision)];
        }

        return Place("", text, _align is '\0' or '=' ? '<' : _align);
    }

    private string OfInteger(Rendering r, BigInteger value)
    {
        if (_precision >= 0)
        {
            throw r.Runtime("precision not allowed in integer format");
        }

        if (_type == 'c')
        {
            if (value < 0 || value > 0x10FFFF)
            {
                throw r.Runtime("%c needs a character's number");
            }

            var one = new StringBuilder();
            CodePoints.Append(one, (int)value);
            return Place("", one.ToString(), _align == '\0' ? '<' : _align);
        }

        string digits = InRadix(BigInteger.Abs(value), _type);
        string prefix = Sign(value.Sign < 0) + (_alternate && _type is 'x' or 'X' or 'o' or 'b' && _alternate ? "0" + _type : "");
        return Place(prefix, Grouped(digits, _type is 'x' or 'X' or 'o' or 'b' ? 4 : 3, prefix.Length), _align == '\0' ? '>' : _align);
    }

    private string OfFloat(Rendering r, double value)
    {
        if (_type is not ('\0' or 'e' or 'E' or 'f' or 'F' or 'g' or 'G' or 'n' or '%'))
        {
            throw r.Runtime($"the format code '{_type}' does not fit a float");
        }

        bool negative = double.IsNegative(value) && !double.IsNaN(value);
        string text = _type == '\0' && _precision < 0
            ? Floats.Text(Math.Abs(value))
            : FloatFormat.Digits(r, _type == '%' ? value * 100 : value, _type, _precision, _alternate);
        int point = text.AsSpan().IndexOfAny('.', 'e', 'E');
        string whole = point < 0 ? text : text[..point];
        string rest = (point < 0 ? "" : text[point..]) + (_type == '%' ? "%" : "");
        string prefix = Sign(negative);
        if (double.IsFinite(value))
        {
            whole = Grouped(whole, 3, prefix.Length + rest.Length);
        }

        return Place(prefix, whole + rest, _align == '\0' ? '>' : _align);
    }

    private string Sign(bool negative) => negative ? "-" : _sign == '-' ? "" : _sign.ToString();

    /// <summary>Digits of a non-negative integer in the radix of a type letter.</summary>
    public static string InRadix(BigInteger value, char type)
    {
        if (type is not ('x' or 'X' or 'o' or 'b'))
        {
            return value.ToString(CultureInfo.InvariantCulture);
        }

        int bits = type switch { 'b' => 1, 'o' => 3, _ => 4 };
        if (value.IsZero)
        {
            return "0";
        }

        var digits = new List<char>();
        while (!value.IsZero)
        {
            int digit = (int)(value & ((1 << bits) - 1));
            digits.Add((type == 'X' ? "0123456789ABCDEF" : "0123456789abcdef")[digit]);
            value >>= bits;
        }

        digits.Reverse();
        return new string([.. digits]);
    }

    private string Grouped(string digits, int size, int around)
    {
        if (_group == '\0')
        {
            return digits;
        }

        // Zero padding takes part in the grouping: so many digits that they and their separators fill the width.
        if (_align == '=' && _fill == "0")
        {
            int count = (int)Math.Max(digits.Length, (_width - around) * size / (size + 1));
            while (count + (count - 1) / size + around < _width)
            {
                count++;
            }

            digits = digits.PadLeft(count, '0');
        }

        var result = new StringBuilder(digits.Length * 4 / 3 + 1);
        for (int i = 0; i < digits.Length; i++)
        {
            if (i > 0 && (digits.Length - i) % size == 0)
            {
                result.Append(_group);
            }

            result.Append(digits[i]);
        }

        return result.ToString();
    }

    private string Place(string prefix, string text, char align)
    {
        long missing = _width - prefix.Length - CodePoints.Count(text);
        if (missing <= 0)
        {
            return prefix + text;
        }

        long left = align switch { '<' => 0, '^' => missing / 2, _ => missing };
        string before = Repeat(left), after = Repeat(missing - left);
        return align == '=' ? prefix + before + text : before + prefix + text + after;
    }

    private string Repeat(long count) => new StringBuilder().Insert(0, _fill, (int)count).ToString();

    private static bool IsAlign(char c) => c is '<' or '>' or '^' or '=';

    private static char At(string text, int index) => index < text.Length ? text[index] : '\0';

    private static long Number(Rendering r, string text, ref int at)
    {
        long value = 0;
        while (at < text.Length && char.IsAsciiDigit(text[at]))
        {
            value = value * 10 + (text[at++] - '0');
            if (value > int.MaxValue)
            {
                throw r.Error("template.limit", "a format width or precision is too large");
            }
        }

        return value;
    }
}
