using System.Globalization;
using SLoRA.Text.Tokenization.Unicode;

namespace SLoRA.Text.Tokenization.Patterns;

/// <content>What starts with a backslash: places, references, sets and code points.</content>
internal sealed partial class PatternParser
{
    private PatternNode Escape()
    {
        if (_at >= _source.Length)
        {
            throw Wrong("ends in a backslash");
        }

        char c = _source[_at];
        PatternPlace? place = c switch
        {
            'A' => PatternPlace.TextStart,
            'z' => PatternPlace.TextEnd,
            'Z' => PatternPlace.LastLineEnd,
            'b' => PatternPlace.WordBoundary,
            'B' => PatternPlace.NotWordBoundary,
            'G' => PatternPlace.SearchStart,
            'K' => PatternPlace.Keep,
            _ => null,
        };
        if (place is not null)
        {
            _at++;
            return new PatternNode.Place(place.Value);
        }

        if (c is 'X' or 'y' or 'Y' or 'g')
        {
            throw Unsupported($"\\{c}");
        }

        if (Take("k<") || Take("k'"))
        {
            return NamedAgain();
        }

        if (Take("R"))
        {
            return LineBreak();
        }

        if (Take("N"))
        {
            return new PatternNode.One(NotNewLine);
        }

        if (Take("O"))
        {
            return new PatternNode.One(AnyChar);
        }

        if (c is >= '1' and <= '9')
        {
            int start = _at;
            int number = Digits();
            if (number <= 9 || number <= _plainGroups)
            {
                return Back(number);
            }

            _at = start;
        }

        // Outside of brackets Oniguruma does not fold what an escape stands for: (?i:\p{Lu}) has upper-case letters only.
        CharSet? set = SetEscape(inBrackets: false);
        if (set is not null)
        {
            return new PatternNode.One(set);
        }

        return Literal(CharEscape());
    }

    private PatternNode.Again Back(int number)
    {
        if (number > _plainGroups)
        {
            throw Wrong($"refers to the group {number}, which it lacks");
        }

        return new PatternNode.Again(number, _ignoreCase);
    }

    private PatternNode.Again NamedAgain()
    {
        char close = _source[_at - 1] == '<' ? '>' : '\'';
        int end = _source.IndexOf(close, _at);
        if (end <= _at)
        {
            throw Wrong("has a reference whose name does not end");
        }

        string name = _source[_at..end];
        _at = end + 1;
        if (int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int number))
        {
            return Back(number);
        }

        if (!_names.TryGetValue(name, out number))
        {
            throw Unsupported(
            $"a reference to {Excerpt.Of(name)}, which no group before it is named");
        }

        return new PatternNode.Again(number, _ignoreCase);
    }

    private static PatternNode.Atomic LineBreak()
    {
        PatternNode pair =
            new PatternNode.Sequence([new PatternNode.One(CharSet.Range('\r', '\r')), new PatternNode.One(CharSet.Range('\n', '\n'))]);
        PatternNode one = new PatternNode.One(new CharSet(c => c is (>= 0x0A and <= 0x0D) or 0x85 or 0x2028 or 0x2029));
        return new PatternNode.Atomic(new PatternNode.Choice([pair, one]));
    }

    /// <summary>An escape that stands for a set, or null; it is taken only when it is one.</summary>
    private CharSet? SetEscape(bool inBrackets)
    {
        char c = _source[_at];
        Func<int, bool>? contains = char.ToLowerInvariant(c) switch
        {
            'd' => CharProperty.Find("digit", inBrackets),
            'w' => CharProperty.Find("word", inBrackets),
            's' => CharClass.IsWhiteSpace,
            'h' => CharProperty.Find("xdigit", inBrackets),
            'p' => Property(inBrackets),
            _ => null,
        };
        if (contains is null)
        {
            return null;
        }

        if (char.ToLowerInvariant(c) != 'p')
        {
            _at++;
        }

        var set = new CharSet(contains);
        return char.IsAsciiLetterUpper(c) ? set.Negate() : set;
    }

    private Func<int, bool> Property(bool inBrackets)
    {
        _at++;
        string name;
        if (Peek() != '{')
        {
            name = NextCodePoint() is var point && point < 0x10000 ? ((char)point).ToString() : "?";
        }
        else
        {
            int end = _source.IndexOf('}', _at);
            if (end < 0)
            {
                throw Wrong("has a property whose name does not end");
            }

            name = _source[(_at + 1)..end];
            _at = end + 1;
        }

        bool negative = name.StartsWith('^');
        if (negative)
        {
            name = name[1..];
        }

        Func<int, bool> contains = CharProperty.Find(name, inBrackets) ?? throw Unsupported($"the property {Excerpt.Of(name)}");
        return negative ? c => !contains(c) : contains;
    }

    /// <summary>An escape that stands for one code point.</summary>
    private int CharEscape()
    {
        int c = NextCodePoint();
        switch (c)
        {
            case 't': return '\t';
            case 'n': return '\n';
            case 'r': return '\r';
            case 'f': return '\f';
            case 'v': return '\v';
            case 'a': return '\a';
            case 'e': return 0x1B;
            case 'u': return HexDigits(4, 4);
            case 'x' when Take("{"):
                int point = HexDigits(1, 8);
                if (!Take("}") || point > 0x10FFFF)
                {
                    throw Unsupported("\\x{} with anything but one code point");
                }

                return point;
            case 'x':
                int value = HexDigits(1, 2);
                if (value >= 0x80)
                {
                    throw Unsupported("\\x with a single byte of a character");
                }

                return value;
            case 'o' or 'c' or 'C' or 'M':
                throw Unsupported($"\\{(char)c}");
            case >= '0' and <= '7':
                _at--;
                return Octal();
            case > 0 and < 0x80 when char.IsAsciiLetterOrDigit((char)c):
                // Oniguruma reads other letters as themselves; a letter that means something newer would be misread.
                throw Unsupported($"\\{(char)c}");
            default:
                return c;
        }
    }

    private int Octal()
    {
        int value = 0;
        for (int i = 0; i < 3 && Peek() is >= '0' and <= '7'; i++)
        {
            value = (8 * value) + (_source[_at++] - '0');
        }

        if (value >= 0x80)
        {
            throw Unsupported("an octal escape of a single byte of a character");
        }

        return value;
    }

    private int HexDigits(int least, int most)
    {
        int start = _at;
        while (_at - start < most && char.IsAsciiHexDigit(Peek()))
        {
            _at++;
        }

        if (_at - start < least)
        {
            throw Wrong("has too few hexadecimal digits");
        }

        return (int)Math.Min(
            0x110000, uint.Parse(_source.AsSpan(start, _at - start), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
    }
}
