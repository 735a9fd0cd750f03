using System.Globalization;

namespace SLoRA.Formats.Peft;

/// <content>Escapes and character sets.</content>
internal sealed partial class PythonRegexTranslator
{
    /// <summary>Translates an escape outside a set; whether it can be repeated. The backslash has been read.</summary>
    private bool Escape()
    {
        char c = _at < _text.Length ? _text[_at] : throw Error("bad escape (end of pattern)");
        switch (c)
        {
            case 'A' or 'b' or 'B':
                _at++;
                _result.Append('\\').Append(c);
                return false;
            case 'Z' or 'z':
                _at++;
                _result.Append(@"\z");
                return false;
            case 'd' or 'D' or 'w' or 'W' or 's' or 'S':
                _at++;
                _result.Append('\\').Append(c);
                return true;
            case >= '1' and <= '9' when !IsOctal(_at, 3):
                string digits = _text[_at..Math.Min(_at + 2, _text.Length)];
                if (digits.Length == 2 && !char.IsAsciiDigit(digits[1]))
                {
                    digits = digits[..1];
                }

                _at += digits.Length;
                BackReference(int.Parse(digits, CultureInfo.InvariantCulture));
                return true;
            default:
                Append(EscapedCharacter());
                return true;
        }
    }

    /// <summary>A set, whose opening bracket has been read. Every literal in it is escaped, so that .NET sees no subtraction.</summary>
    private void Set()
    {
        _result.Append(Take('^') ? "[^" : "[");
        for (bool first = true; first || !Take(']'); first = false)
        {
            char? low = SetItem();
            if (_at + 1 >= _text.Length || _text[_at] != '-' || _text[_at + 1] == ']')
            {
                continue;
            }

            _at++;
            _result.Append('-');
            char? high = SetItem();
            if (low is null || high is null || low > high)
            {
                throw Error("bad character range");
            }
        }

        _result.Append(']');
    }

    /// <summary>Translates one member of a set: the character, or null for a class such as <c>\d</c>.</summary>
    private char? SetItem()
    {
        if (_at >= _text.Length)
        {
            throw Error("unterminated character set");
        }

        char c = _text[_at++];
        if (c == '\\')
        {
            c = _at < _text.Length ? _text[_at] : throw Error("bad escape (end of pattern)");
            if (c is 'd' or 'D' or 'w' or 'W' or 's' or 'S')
            {
                _at++;
                _result.Append('\\').Append(c);
                return null;
            }

            if (c == 'b')
            {
                _at++;
                c = '\b';
            }
            else
            {
                c = EscapedCharacter();
            }
        }

        if (char.IsSurrogate(c))
        {
            throw Error("characters beyond U+FFFF are not supported in a set");
        }

        Append(c);
        return c;
    }

    /// <summary>The character that an escape stands for. Python refuses escapes of other ASCII letters, and so do we.</summary>
    private char EscapedCharacter()
    {
        if (IsOctal(_at, 3) || _text[_at] == '0')
        {
            return OctalCharacter();
        }

        char c = _text[_at++];
        return c switch
        {
            'a' => '\a',
            'f' => '\f',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\v',
            'x' => (char)Hex(2),
            'u' => (char)Hex(4),
            'U' => Hex(8) is <= char.MaxValue and { } code
                ? (char)code
                : throw Error("characters beyond U+FFFF are not supported in an escape"),
            _ when char.IsAsciiLetterOrDigit(c) => throw Error($"bad escape \\{c}"),
            _ => c,
        };
    }

    private char OctalCharacter()
    {
        int value = 0;
        for (int digits = 0; digits < 3 && IsOctal(_at, 1); digits++)
        {
            value = (value * 8) + (_text[_at++] - '0');
        }

        return value <= 0xFF ? (char)value : throw Error("octal escape value outside of range 0-0o377");
    }

    private bool IsOctal(int at, int digits) =>
        at + digits <= _text.Length && _text.AsSpan(at, digits).IndexOfAnyExceptInRange('0', '7') < 0;

    private uint Hex(int digits)
    {
        if (_at + digits > _text.Length
            || !uint.TryParse(_text.AsSpan(_at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint value))
        {
            throw Error("incomplete escape");
        }

        _at += digits;
        return value;
    }
}
