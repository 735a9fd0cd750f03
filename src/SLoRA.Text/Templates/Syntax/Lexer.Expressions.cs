using System.Globalization;
using System.Numerics;

namespace SLoRA.Text.Templates;

/// <content>Tokens within <c>{{ }}</c> and <c>{% %}</c>.</content>
internal sealed partial class Lexer
{
    private static readonly string[] Operators =
    [
        "==", "!=", "<=", ">=", "//", "**",
        "+", "-", "*", "/", "%", "~", "<", ">", "=", "[", "]", "(", ")", "{", "}", ".", ":", "|", ",", ";",
    ];

    private void Expression(TokenKind endKind)
    {
        string close = endKind == TokenKind.VariableEnd ? "}}" : "%}";
        _open.Clear();
        while (true)
        {
            if (_open.Count == 0 && TryClose(endKind, close))
            {
                return;
            }

            if (_at >= _source.Length)
            {
                return;
            }

            char c = _source[_at];
            if (CharacterClasses.IsSpace(c))
            {
                Advance(SkipSpace(_at));
            }
            else if (char.IsAsciiDigit(c))
            {
                Number();
            }
            else if (CharacterClasses.IsWord(CodePoints.At(_source, _at)))
            {
                Name();
            }
            else if (c is '\'' or '"')
            {
                Text(c);
            }
            else
            {
                Operator();
            }
        }
    }

    private bool TryClose(TokenKind endKind, string close)
    {
        bool block = endKind == TokenKind.BlockEnd;
        int at = _at;
        char sign = at < _source.Length ? _source[at] : ' ';
        if (sign == '-' || (sign == '+' && block))
        {
            at++;
        }
        else
        {
            sign = ' ';
        }

        if (string.CompareOrdinal(_source, at, close, 0, 2) != 0)
        {
            return false;
        }

        Add(endKind, close);
        CloseTag(at + 2, sign == '-', block && sign != '+');
        return true;
    }

    private void Name()
    {
        int end = _at;
        while (end < _source.Length && CharacterClasses.IsWord(CodePoints.At(_source, end)))
        {
            end += CodePoints.Width(_source, end);
        }

        string name = _source[_at..end];
        if (!CharacterClasses.IsIdentifier(name))
        {
            throw Error($"'{name}' is not a name");
        }

        Add(TokenKind.Name, name);
        Advance(end);
    }

    private void Operator()
    {
        foreach (string op in Operators)
        {
            if (string.CompareOrdinal(_source, _at, op, 0, op.Length) != 0)
            {
                continue;
            }

            Balance(op);
            Add(TokenKind.Operator, op);
            Advance(_at + op.Length);
            return;
        }

        throw Error($"unexpected character '{_source.Substring(_at, CodePoints.Width(_source, _at))}'");
    }

    private void Balance(string op)
    {
        switch (op)
        {
            case "(": _open.Push(')'); break;
            case "[": _open.Push(']'); break;
            case "{": _open.Push('}'); break;
            case ")" or "]" or "}":
                if (_open.Count == 0)
                {
                    throw Error($"unexpected '{op}'");
                }

                char expected = _open.Pop();
                if (expected != op[0])
                {
                    throw Error($"unexpected '{op}', expected '{expected}'");
                }

                break;
        }
    }

    private void Number()
    {
        int end = FloatEnd();
        if (end > _at)
        {
            string text = _source[_at..end].Replace("_", "", StringComparison.Ordinal);
            Add(TokenKind.Number, text, double.Parse(text, CultureInfo.InvariantCulture));
            Advance(end);
            return;
        }

        (int stop, int radix) = IntegerEnd();
        string digits = _source[_at..stop].Replace("_", "", StringComparison.Ordinal);
        if (digits.Length > 4300)
        {
            throw Error("an integer has more than 4300 digits");
        }

        BigInteger value = BigInteger.Zero;
        if (radix == 10)
        {
            value = BigInteger.Parse(digits, CultureInfo.InvariantCulture);
        }
        else
        {
            foreach (char c in digits.AsSpan(2))
            {
                value = value * radix + Convert.ToInt32(c.ToString(), 16);
            }
        }

        Add(TokenKind.Number, digits, Integers.Of(value));
        Advance(stop);
    }

    // Digits with a fraction, an exponent or both; not after a point (x.0.1 holds two indices).
    private int FloatEnd()
    {
        if (_at > 0 && _source[_at - 1] == '.')
        {
            return _at;
        }

        int whole = Digits(_at, char.IsAsciiDigit);
        int end = whole;
        if (end + 1 < _source.Length && _source[end] == '.' && char.IsAsciiDigit(_source[end + 1]))
        {
            end = Digits(end + 1, char.IsAsciiDigit);
        }

        if (end < _source.Length && _source[end] is 'e' or 'E')
        {
            int exponent = end + 1;
            if (exponent < _source.Length && _source[exponent] is '+' or '-')
            {
                exponent++;
            }

            if (exponent < _source.Length && char.IsAsciiDigit(_source[exponent]))
            {
                end = Digits(exponent, char.IsAsciiDigit);
            }
        }

        return end > whole ? end : _at;
    }

    private (int End, int Radix) IntegerEnd()
    {
        if (_source[_at] == '0')
        {
            char kind = _at + 1 < _source.Length ? char.ToLowerInvariant(_source[_at + 1]) : ' ';
            (int radix, Func<char, bool>? digit) = kind switch
            {
                'x' => (16, char.IsAsciiHexDigit),
                'o' => (8, c => c is >= '0' and <= '7'),
                'b' => (2, c => c is '0' or '1'),
                _ => (10, (Func<char, bool>?)null),
            };
            int first = _at + 2 < _source.Length && _source[_at + 2] == '_' ? _at + 3 : _at + 2;
            if (digit is not null && first < _source.Length && digit(_source[first]))
            {
                return (Digits(first, digit), radix);
            }

            return (Digits(_at, c => c == '0'), 10);
        }

        return (Digits(_at, char.IsAsciiDigit), 10);
    }

    private int Digits(int from, Func<char, bool> digit)
    {
        while (from < _source.Length
            && (digit(_source[from]) || (_source[from] == '_' && from + 1 < _source.Length && digit(_source[from + 1]))))
        {
            from++;
        }

        return from;
    }

    private void Text(char quote)
    {
        int end = _at + 1;
        while (end < _source.Length && _source[end] != quote)
        {
            end += _source[end] == '\\' ? 2 : 1;
        }

        if (end >= _source.Length)
        {
            throw Error("a text is not closed by its quote");
        }

        Add(TokenKind.Text, "string", Escapes.Resolve(_source[(_at + 1)..end], _line));
        Advance(end + 1);
    }
}
