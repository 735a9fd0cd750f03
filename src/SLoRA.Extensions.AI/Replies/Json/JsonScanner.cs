using SLoRA.Extensions.AI.Replies.Reading;

namespace SLoRA.Extensions.AI.Replies.Json;

/// <summary>
/// Finds the end of a JSON value that arrives character by character, and the first character that makes it none. Strict (RFC 8259), and
/// stricter in one thing: half of a surrogate pair, escaped or not, is refused, because nobody could write it as UTF-8.
/// </summary>
internal sealed class JsonScanner
{
    /// <summary>How deep values may nest: as deep as System.Text.Json reads.</summary>
    public const int MaxDepth = 64;

    private ulong _objects;
    private int _depth;
    private Expected _expected = Expected.Value;
    private Token _token;
    private Half _half;
    private NumberPart _number;
    private string _word = "";
    private int _count;
    private int _unit;
    private bool _isKey;

    private enum Expected
    {
        Value,
        ValueOrEnd,
        Key,
        KeyOrEnd,
        Colon,
        CommaOrEnd,
    }

    private enum Token
    {
        None,
        String,
        Escape,
        Unicode,
        Number,
        Word,
    }

    // What a high surrogate waits for.
    private enum Half
    {
        None,
        Written,
        Escaped,
    }

    private enum NumberPart
    {
        Sign,
        Zero,
        Whole,
        Point,
        Fraction,
        Exponent,
        ExponentSign,
        ExponentDigits,
    }

    /// <summary>Whether the text is a JSON object and nothing else but whitespace.</summary>
    public static bool IsObject(ReadOnlySpan<char> text)
    {
        text = text.Trim(" \t\r\n");
        var scanner = new JsonScanner();
        return text.StartsWith('{') && scanner.Scan(text, out int read) == Match.Yes && read == text.Length;
    }

    /// <summary>Reads on.</summary>
    /// <param name="text">The next characters.</param>
    /// <param name="read">How many belong to the value, when it ends.</param>
    /// <returns>Yes behind the bracket that closes an object or array, no where this is not JSON.</returns>
    public Match Scan(ReadOnlySpan<char> text, out int read)
    {
        for (read = 0; read < text.Length;)
        {
            Match match = Step(text[read++]);
            if (match != Match.Undecided)
            {
                return match;
            }
        }

        return Match.Undecided;
    }

    private Match Step(char c)
    {
        switch (_token)
        {
            case Token.String:
                return InString(c);
            case Token.Escape:
                return InEscape(c);
            case Token.Unicode:
                return InUnicode(c);
            case Token.Word:
                return InWord(c);
            case Token.Number when Continues(c):
                return Match.Undecided;
            case Token.Number when _number is NumberPart.Sign or NumberPart.Point or NumberPart.Exponent or NumberPart.ExponentSign:
                return Match.No;
            case Token.Number:
                EndValue();
                break;
        }

        return Between(c);
    }

    private Match Between(char c)
    {
        if (c is ' ' or '\t' or '\r' or '\n')
        {
            return Match.Undecided;
        }

        return (_expected, c) switch
        {
            (Expected.Value or Expected.ValueOrEnd, '{') => Open(isObject: true),
            (Expected.Value or Expected.ValueOrEnd, '[') => Open(isObject: false),
            (Expected.Value or Expected.ValueOrEnd, '"') => BeginString(isKey: false),
            (Expected.Value or Expected.ValueOrEnd, 't') => BeginWord("true"),
            (Expected.Value or Expected.ValueOrEnd, 'f') => BeginWord("false"),
            (Expected.Value or Expected.ValueOrEnd, 'n') => BeginWord("null"),
            (Expected.Value or Expected.ValueOrEnd, '-' or (>= '0' and <= '9')) => BeginNumber(c),
            (Expected.ValueOrEnd, ']') or (Expected.KeyOrEnd, '}') => Close(),
            (Expected.Key or Expected.KeyOrEnd, '"') => BeginString(isKey: true),
            (Expected.Colon, ':') => Expect(Expected.Value),
            (Expected.CommaOrEnd, ',') => Expect(InObject ? Expected.Key : Expected.Value),
            (Expected.CommaOrEnd, '}') when InObject => Close(),
            (Expected.CommaOrEnd, ']') when !InObject => Close(),
            _ => Match.No,
        };
    }

    private bool InObject => (_objects & 1) == 1;

    private Match Expect(Expected expected)
    {
        _expected = expected;
        return Match.Undecided;
    }

    private Match Open(bool isObject)
    {
        if (++_depth > MaxDepth)
        {
            return Match.No;
        }

        _objects = (_objects << 1) | (isObject ? 1UL : 0);
        return Expect(isObject ? Expected.KeyOrEnd : Expected.ValueOrEnd);
    }

    private Match Close()
    {
        _objects >>= 1;
        if (--_depth == 0)
        {
            return Match.Yes;
        }

        return Expect(Expected.CommaOrEnd);
    }

    private void EndValue()
    {
        _token = Token.None;
        _expected = Expected.CommaOrEnd;
    }

    private Match BeginString(bool isKey)
    {
        _isKey = isKey;
        _token = Token.String;
        return Match.Undecided;
    }

    private Match InString(char c)
    {
        bool isLow = char.IsLowSurrogate(c);
        if (c < ' ' || isLow != (_half == Half.Written) || (_half == Half.Escaped && c != '\\'))
        {
            return Match.No;
        }

        if (isLow)
        {
            _half = Half.None;
        }
        else if (char.IsHighSurrogate(c))
        {
            _half = Half.Written;
        }
        else if (c == '\\')
        {
            _token = Token.Escape;
        }
        else if (c == '"')
        {
            EndValue();
            _expected = _isKey ? Expected.Colon : Expected.CommaOrEnd;
        }

        return Match.Undecided;
    }

    private Match InEscape(char c)
    {
        if (c == 'u')
        {
            (_token, _count, _unit) = (Token.Unicode, 0, 0);
            return Match.Undecided;
        }

        _token = Token.String;
        return _half == Half.None && (c is '"' or '\\' or '/' or 'b' or 'f' or 'n' or 'r' or 't') ? Match.Undecided : Match.No;
    }

    private Match InUnicode(char c)
    {
        if (!char.IsAsciiHexDigit(c))
        {
            return Match.No;
        }

        _unit = (_unit << 4) | (char.IsAsciiDigit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
        if (++_count < 4)
        {
            return Match.Undecided;
        }

        _token = Token.String;
        bool isLow = char.IsLowSurrogate((char)_unit);
        if (isLow != (_half == Half.Escaped))
        {
            return Match.No;
        }

        _half = char.IsHighSurrogate((char)_unit) ? Half.Escaped : Half.None;
        return Match.Undecided;
    }

    private Match BeginWord(string word)
    {
        (_token, _word, _count) = (Token.Word, word, 1);
        return Match.Undecided;
    }

    private Match InWord(char c)
    {
        if (c != _word[_count])
        {
            return Match.No;
        }

        if (++_count == _word.Length)
        {
            EndValue();
        }

        return Match.Undecided;
    }

    private Match BeginNumber(char c)
    {
        _token = Token.Number;
        _number = c switch
        {
            '-' => NumberPart.Sign,
            '0' => NumberPart.Zero,
            _ => NumberPart.Whole,
        };
        return Match.Undecided;
    }

    private bool Continues(char c)
    {
        NumberPart? next = (_number, c) switch
        {
            (NumberPart.Sign, '0') => NumberPart.Zero,
            (NumberPart.Sign or NumberPart.Whole, >= '0' and <= '9') => NumberPart.Whole,
            (NumberPart.Zero or NumberPart.Whole, '.') => NumberPart.Point,
            (NumberPart.Point or NumberPart.Fraction, >= '0' and <= '9') => NumberPart.Fraction,
            (NumberPart.Zero or NumberPart.Whole or NumberPart.Fraction, 'e' or 'E') => NumberPart.Exponent,
            (NumberPart.Exponent, '+' or '-') => NumberPart.ExponentSign,
            (NumberPart.Exponent or NumberPart.ExponentSign or NumberPart.ExponentDigits, >= '0' and <= '9') => NumberPart.ExponentDigits,
            _ => null,
        };
        _number = next ?? _number;
        return next is not null;
    }
}
