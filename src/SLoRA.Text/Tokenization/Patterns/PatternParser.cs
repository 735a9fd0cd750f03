using System.Globalization;
using SLoRA.Text.Tokenization.Unicode;

namespace SLoRA.Text.Tokenization.Patterns;

/// <summary>
/// Parses expressions in Oniguruma's syntax, as tokenizer.json files hold them. What is part of that language and not implemented is
/// refused by name; nothing is read in another sense.
/// </summary>
internal sealed class PatternParser
{
    private const int MaxDepth = 100;
    private const int MaxRepeat = 100_000;

    private readonly string _source;
    private readonly Dictionary<string, int> _names = [];
    private readonly bool _onlyNamed;
    private readonly int _plainGroups;
    private int _at;
    private int _depth;
    private bool _ignoreCase;
    private bool _dotAll;
    private bool _extended;

    private PatternParser(string source)
    {
        _source = source;
        (_plainGroups, int named) = CountGroups(source);
        _onlyNamed = named > 0;
        if (_onlyNamed) _plainGroups = named;
    }

    /// <summary>How many groups remember what they matched.</summary>
    public int Groups { get; private set; }

    public static PatternNode Parse(string source, out int groups)
    {
        var parser = new PatternParser(source);
        PatternNode node = parser.Choice();
        if (parser._at < source.Length) throw parser.Wrong("has a ) without its (");
        groups = parser.Groups;
        return node;
    }

    private static (int Plain, int Named) CountGroups(string source)
    {
        int plain = 0;
        int named = 0;
        bool inSet = false;
        for (int i = 0; i < source.Length; i++)
        {
            if (source[i] == '\\') i++;
            else if (source[i] == '[') inSet = true;
            else if (source[i] == ']') inSet = false;
            else if (source[i] == '(' && !inSet)
            {
                bool special = i + 1 < source.Length && source[i + 1] == '?';
                if (!special) plain++;
                else if (i + 3 < source.Length && (source[i + 2] == '\'' || (source[i + 2] == '<' && source[i + 3] is not ('=' or '!')))) named++;
            }
        }

        return (plain, named);
    }

    private TokenizerException Wrong(string what) => TokenizerException.Format($"The expression '{_source}' {what}, at character {_at}.");

    private TokenizerException Unsupported(string what) => TokenizerException.Unsupported($"The expression '{_source}' uses {what}, which is not implemented, at character {_at}.");

    private bool Take(string text)
    {
        if (string.CompareOrdinal(_source, _at, text, 0, text.Length) != 0) return false;
        _at += text.Length;
        return true;
    }

    private char Peek() => _at < _source.Length ? _source[_at] : '\0';

    private PatternNode Choice()
    {
        if (++_depth > MaxDepth) throw Wrong("nests too deep");
        var items = new List<PatternNode> { Sequence() };
        while (Take("|")) items.Add(Sequence());
        _depth--;
        return items.Count == 1 ? items[0] : new PatternNode.Choice(items);
    }

    private PatternNode Sequence()
    {
        var items = new List<PatternNode>();
        while (_at < _source.Length && Peek() is not ('|' or ')'))
        {
            if (_extended && SkipExtended()) continue;
            if (Take("(?#"))
            {
                int end = _source.IndexOf(')', _at);
                if (end < 0) throw Wrong("has a comment that does not end");
                _at = end + 1;
                continue;
            }

            if (IsolatedOptions(items)) continue;
            items.Add(Quantified(Atom()));
        }

        return items.Count == 1 ? items[0] : new PatternNode.Sequence(items);
    }

    private bool SkipExtended()
    {
        if (char.IsWhiteSpace(Peek()))
        {
            _at++;
            return true;
        }

        if (Peek() != '#') return false;
        int end = _source.IndexOf('\n', _at);
        _at = end < 0 ? _source.Length : end + 1;
        return true;
    }

    // (?i) holds to the end of the group, over its alternatives too.
    private bool IsolatedOptions(List<PatternNode> items)
    {
        int start = _at;
        (bool, bool, bool) saved = (_ignoreCase, _dotAll, _extended);
        if (!Take("(?") || !Options() || !Take(")"))
        {
            _at = start;
            (_ignoreCase, _dotAll, _extended) = saved;
            return false;
        }

        items.Add(Choice());
        (_ignoreCase, _dotAll, _extended) = saved;
        return true;
    }

    private bool Options()
    {
        bool on = true;
        int start = _at;
        for (; ; _at++)
        {
            switch (Peek())
            {
                case '-':
                    on = false;
                    break;
                case 'i':
                    _ignoreCase = on;
                    break;
                case 'm':
                    _dotAll = on;
                    break;
                case 'x':
                    _extended = on;
                    break;
                case 'W' or 'D' or 'S' or 'P' or 'y' or 'C' or 'I' or 'L':
                    throw Unsupported($"the option {Peek()}");
                default:
                    return _at > start;
            }
        }
    }

    private PatternNode Quantified(PatternNode item)
    {
        while (true)
        {
            if (_extended && _at < _source.Length && SkipExtended()) continue;
            int min;
            int max;
            bool interval = false;
            if (Take("?")) (min, max) = (0, 1);
            else if (Take("*")) (min, max) = (0, -1);
            else if (Take("+")) (min, max) = (1, -1);
            else if (TryInterval(out min, out max)) interval = true;
            else return item;

            if (min > MaxRepeat || max > MaxRepeat) throw Wrong($"repeats more than {MaxRepeat} times");
            if (interval && min == max && Take("?"))
            {
                // {n}? is no lazy {n} but an optional one.
                item = new PatternNode.Repeat(new PatternNode.Repeat(item, min, max, Lazy: false), 0, 1, Lazy: false);
            }
            else if (Take("?"))
            {
                item = new PatternNode.Repeat(item, min, max, Lazy: true);
            }
            else if (!interval && Take("+"))
            {
                item = new PatternNode.Atomic(new PatternNode.Repeat(item, min, max, Lazy: false));
            }
            else
            {
                item = new PatternNode.Repeat(item, min, max, Lazy: false);
            }
        }
    }

    private bool TryInterval(out int min, out int max)
    {
        min = max = 0;
        int start = _at;
        if (!Take("{")) return false;
        int low = Digits();
        bool comma = Take(",");
        int high = comma ? Digits() : low;
        if (!Take("}") || (low < 0 && high < 0) || (!comma && low < 0))
        {
            _at = start;
            return false;
        }

        min = Math.Max(low, 0);
        max = high;
        if (max >= 0 && min > max) throw Unsupported("an interval whose first number is the greater");
        return true;
    }

    private int Digits()
    {
        int start = _at;
        long value = 0;
        while (char.IsAsciiDigit(Peek())) value = Math.Min(int.MaxValue, (10 * value) + (_source[_at++] - '0'));
        return _at == start ? -1 : (int)value;
    }

    private PatternNode Atom()
    {
        switch (Peek())
        {
            case '(':
                return Group();
            case '[':
                _at++;
                return new PatternNode.One(Set());
            case '\\':
                _at++;
                return Escape();
            case '.':
                _at++;
                return new PatternNode.One(_dotAll ? AnyChar : NotNewLine);
            case '^':
                _at++;
                return new PatternNode.Place(PatternPlace.LineStart);
            case '$':
                _at++;
                return new PatternNode.Place(PatternPlace.LineEnd);
            case '*' or '+' or '?':
                throw Wrong("repeats nothing");
            default:
                return Literal(NextCodePoint());
        }
    }

    private static CharSet AnyChar { get; } = new(_ => true);

    private static CharSet NotNewLine { get; } = new(c => c != '\n');

    private int NextCodePoint()
    {
        if (_at >= _source.Length) throw Wrong("ends too early");
        int point = CharClass.CodePoint(_source, _at, out int length);
        _at += length;
        return point;
    }

    private PatternNode.One Literal(int point)
    {
        if (!_ignoreCase) return new PatternNode.One(CharSet.Range(point, point));
        int folded = CaseFolding.Fold(point);
        return new PatternNode.One(new CharSet(c => CaseFolding.Fold(c) == folded));
    }

    private PatternNode Group()
    {
        int start = _at;
        (bool, bool, bool) saved = (_ignoreCase, _dotAll, _extended);
        _at++;
        PatternNode? result = null;
        if (Take("?:")) result = Choice();
        else if (Take("?=")) result = new PatternNode.Look(Choice(), Behind: false, Negative: false);
        else if (Take("?!")) result = new PatternNode.Look(Choice(), Behind: false, Negative: true);
        else if (Take("?<=")) result = new PatternNode.Look(Choice(), Behind: true, Negative: false);
        else if (Take("?<!")) result = new PatternNode.Look(Choice(), Behind: true, Negative: true);
        else if (Take("?>")) result = new PatternNode.Atomic(Choice());
        else if (Take("?<") || Take("?'")) result = Named();
        else if (Take("?~")) throw Unsupported("an absent function");
        else if (Take("?(")) throw Unsupported("a condition");
        else if (Take("?{") || Take("*")) throw Unsupported("a callout");
        else if (Take("?"))
        {
            if (!Options() || !Take(":")) throw Wrong("has an unknown group");
            result = Choice();
        }
        else
        {
            int number = _onlyNamed ? 0 : ++Groups;
            result = Choice();
            if (!_onlyNamed) result = new PatternNode.Capture(result, number);
        }

        (_ignoreCase, _dotAll, _extended) = saved;
        if (!Take(")"))
        {
            _at = start;
            throw Wrong("has an unclosed group");
        }

        return result;
    }

    private PatternNode.Capture Named()
    {
        char close = _source[_at - 1] == '<' ? '>' : '\'';
        int end = _source.IndexOf(close, _at);
        if (end <= _at) throw Wrong("has a group whose name does not end");
        string name = _source[_at..end];
        _at = end + 1;
        int number = ++Groups;
        if (!_names.TryAdd(name, number)) throw Unsupported($"the group name {name} twice");
        return new PatternNode.Capture(Choice(), number);
    }

    private PatternNode Escape()
    {
        if (_at >= _source.Length) throw Wrong("ends in a backslash");
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

        if (c is 'X' or 'y' or 'Y' or 'g') throw Unsupported($"\\{c}");
        if (Take("k<") || Take("k'")) return NamedAgain();
        if (Take("R")) return LineBreak();
        if (Take("N")) return new PatternNode.One(NotNewLine);
        if (Take("O")) return new PatternNode.One(AnyChar);
        if (c is >= '1' and <= '9')
        {
            int start = _at;
            int number = Digits();
            if (number <= 9 || number <= _plainGroups) return Back(number);
            _at = start;
        }

        CharSet? set = SetEscape();
        if (set is not null) return new PatternNode.One(_ignoreCase ? set.IgnoreCase() : set);
        return Literal(CharEscape());
    }

    private PatternNode.Again Back(int number)
    {
        if (number > _plainGroups) throw Wrong($"refers to the group {number}, which it lacks");
        return new PatternNode.Again(number, _ignoreCase);
    }

    private PatternNode.Again NamedAgain()
    {
        char close = _source[_at - 1] == '<' ? '>' : '\'';
        int end = _source.IndexOf(close, _at);
        if (end <= _at) throw Wrong("has a reference whose name does not end");
        string name = _source[_at..end];
        _at = end + 1;
        if (int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int number)) return Back(number);
        if (!_names.TryGetValue(name, out number)) throw Unsupported($"a reference to '{name}', which no group before it is named");
        return new PatternNode.Again(number, _ignoreCase);
    }

    private static PatternNode.Atomic LineBreak()
    {
        PatternNode pair = new PatternNode.Sequence([new PatternNode.One(CharSet.Range('\r', '\r')), new PatternNode.One(CharSet.Range('\n', '\n'))]);
        PatternNode one = new PatternNode.One(new CharSet(c => c is (>= 0x0A and <= 0x0D) or 0x85 or 0x2028 or 0x2029));
        return new PatternNode.Atomic(new PatternNode.Choice([pair, one]));
    }

    /// <summary>An escape that stands for a set, or null; it is taken only when it is one.</summary>
    private CharSet? SetEscape()
    {
        char c = _source[_at];
        Func<int, bool>? contains = char.ToLowerInvariant(c) switch
        {
            'd' => CharProperty.Find("digit"),
            'w' => CharClass.IsWord,
            's' => CharClass.IsWhiteSpace,
            'h' => CharProperty.Find("xdigit"),
            'p' => Property(),
            _ => null,
        };
        if (contains is null) return null;
        if (char.ToLowerInvariant(c) != 'p') _at++;
        var set = new CharSet(contains);
        return char.IsAsciiLetterUpper(c) ? set.Negate() : set;
    }

    private Func<int, bool> Property()
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
            if (end < 0) throw Wrong("has a property whose name does not end");
            name = _source[(_at + 1)..end];
            _at = end + 1;
        }

        bool negative = name.StartsWith('^');
        if (negative) name = name[1..];
        Func<int, bool> contains = CharProperty.Find(name) ?? throw Unsupported($"the property '{name}'");
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
                if (!Take("}") || point > 0x10FFFF) throw Unsupported("\\x{} with anything but one code point");
                return point;
            case 'x':
                int value = HexDigits(1, 2);
                if (value >= 0x80) throw Unsupported("\\x with a single byte of a character");
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
        for (int i = 0; i < 3 && Peek() is >= '0' and <= '7'; i++) value = (8 * value) + (_source[_at++] - '0');
        if (value >= 0x80) throw Unsupported("an octal escape of a single byte of a character");
        return value;
    }

    private int HexDigits(int least, int most)
    {
        int start = _at;
        while (_at - start < most && char.IsAsciiHexDigit(Peek())) _at++;
        if (_at - start < least) throw Wrong("has too few hexadecimal digits");
        return (int)Math.Min(0x110000, uint.Parse(_source.AsSpan(start, _at - start), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
    }

    private CharSet Set()
    {
        if (++_depth > MaxDepth) throw Wrong("nests too deep");
        bool negative = Take("^");
        CharSet? left = null;
        var items = new List<CharSet>();
        // A ] right at the start is itself, if another one follows.
        bool first = true;
        while (!Take("]") || first)
        {
            if (first && _at > 0 && _source[_at - 1] == ']')
            {
                if (_source.IndexOf(']', _at) < 0) throw Wrong("has an empty set");
                _at--;
                items.Add(SetItem());
                first = false;
                continue;
            }

            first = false;
            if (_at >= _source.Length) throw Wrong("has an unclosed set");
            if (Take("&&"))
            {
                left = Joined(left, items);
                items = [];
                continue;
            }

            items.Add(SetItem());
        }

        _depth--;
        CharSet result = Joined(left, items);
        if (_ignoreCase) result = result.IgnoreCase();
        return negative ? result.Negate() : result;
    }

    private static CharSet Joined(CharSet? left, List<CharSet> items)
    {
        CharSet right = items.Count == 0 ? new CharSet(_ => false) : CharSet.Union(items);
        return left is null ? right : left.Intersect(right);
    }

    private CharSet SetItem()
    {
        if (Take("[:"))
        {
            int end = _source.IndexOf(":]", _at, StringComparison.Ordinal);
            if (end < 0) throw Wrong("has a class in brackets that does not end");
            string name = _source[_at..end];
            _at = end + 2;
            bool negative = name.StartsWith('^');
            Func<int, bool> contains = CharProperty.FindPosix(negative ? name[1..] : name) ?? throw Unsupported($"the class [:{name}:]");
            return negative ? new CharSet(contains).Negate() : new CharSet(contains);
        }

        if (Take("[")) return Set();
        if (Peek() == '\\')
        {
            _at++;
            if (_at >= _source.Length) throw Wrong("ends in a backslash");
            CharSet? set = SetEscape();
            if (set is not null) return set;
            _at--;
        }

        int low = SetPoint();
        if (Peek() != '-' || _at + 1 >= _source.Length || _source[_at + 1] == ']') return CharSet.Range(low, low);
        int dash = _at++;
        if (Peek() == '[' || (Peek() == '\\' && _at + 1 < _source.Length && char.ToLowerInvariant(_source[_at + 1]) is 'd' or 'w' or 's' or 'h' or 'p'))
        {
            _at = dash;
            return CharSet.Range(low, low);
        }

        int high = SetPoint();
        if (high < low) throw Wrong("has a range that runs backwards");
        return CharSet.Range(low, high);
    }

    private int SetPoint()
    {
        if (!Take("\\")) return NextCodePoint();
        if (Take("b")) return '\b';
        if (_at >= _source.Length) throw Wrong("ends in a backslash");
        return CharEscape();
    }
}
