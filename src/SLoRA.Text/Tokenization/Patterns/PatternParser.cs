using SLoRA.Text.Tokenization.Unicode;

namespace SLoRA.Text.Tokenization.Patterns;

/// <summary>
/// Parses expressions in Oniguruma's syntax, as tokenizer.json files hold them. What is part of that language and not implemented is
/// refused by name; nothing is read in another sense.
/// </summary>
internal sealed partial class PatternParser
{
    private const int MaxDepth = 100;

    /// <summary>
    /// Quantifiers in a row, each of which is a level of its own: with <see cref="MaxDepth"/> the bound of every walk over the nodes.
    /// </summary>
    private const int MaxQuantifiers = 8;
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
        if (_onlyNamed)
        {
            _plainGroups = named;
        }
    }

    /// <summary>How many groups remember what they matched.</summary>
    public int Groups { get; private set; }

    public static PatternNode Parse(string source, out int groups)
    {
        var parser = new PatternParser(source);
        PatternNode node = parser.Choice();
        if (parser._at < source.Length)
        {
            throw parser.Wrong("has a ) without its (");
        }

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
            if (source[i] == '\\')
            {
                i++;
            }
            else if (source[i] == '[')
            {
                inSet = true;
            }
            else if (source[i] == ']')
            {
                inSet = false;
            }
            else if (source[i] == '(' && !inSet)
            {
                bool special = i + 1 < source.Length && source[i + 1] == '?';
                if (!special)
                {
                    plain++;
                }
                else if (i + 3 < source.Length
                    && (source[i + 2] == '\'' || (source[i + 2] == '<' && source[i + 3] is not ('=' or '!'))))
                {
                    named++;
                }
            }
        }

        return (plain, named);
    }

    private TokenizerException Wrong(string what) =>
        TokenizerException.Format($"The expression {Excerpt.Of(_source)} {what}, at character {_at}.");

    private TokenizerException Unsupported(string what) => TokenizerException.Unsupported(
        $"The expression {Excerpt.Of(_source)} uses {what}, which is not implemented, at character {_at}.");

    private bool Take(string text)
    {
        if (string.CompareOrdinal(_source, _at, text, 0, text.Length) != 0)
        {
            return false;
        }

        _at += text.Length;
        return true;
    }

    private char Peek() => _at < _source.Length ? _source[_at] : '\0';

    private PatternNode Choice()
    {
        if (++_depth > MaxDepth)
        {
            throw Wrong("nests too deep");
        }

        var items = new List<PatternNode> { Sequence() };
        while (Take("|"))
        {
            items.Add(Sequence());
        }

        _depth--;
        return items.Count == 1 ? items[0] : new PatternNode.Choice(items);
    }

    private PatternNode Sequence()
    {
        var items = new List<PatternNode>();
        while (_at < _source.Length && Peek() is not ('|' or ')'))
        {
            if (_extended && SkipExtended())
            {
                continue;
            }

            if (Take("(?#"))
            {
                int end = _source.IndexOf(')', _at);
                if (end < 0)
                {
                    throw Wrong("has a comment that does not end");
                }

                _at = end + 1;
                continue;
            }

            if (IsolatedOptions(items))
            {
                continue;
            }

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

        if (Peek() != '#')
        {
            return false;
        }

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
        for (int count = 0; ;)
        {
            if (_extended && _at < _source.Length && SkipExtended())
            {
                continue;
            }

            int min;
            int max;
            bool interval = false;
            if (Take("?"))
            {
                (min, max) = (0, 1);
            }
            else if (Take("*"))
            {
                (min, max) = (0, -1);
            }
            else if (Take("+"))
            {
                (min, max) = (1, -1);
            }
            else if (TryInterval(out min, out max))
            {
                interval = true;
            }
            else
            {
                return item;
            }

            if (++count > MaxQuantifiers)
            {
                throw Wrong($"has more than {MaxQuantifiers} quantifiers in a row");
            }

            if (min > MaxRepeat || max > MaxRepeat)
            {
                throw Wrong($"repeats more than {MaxRepeat} times");
            }

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
        if (!Take("{"))
        {
            return false;
        }

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
        if (max >= 0 && min > max)
        {
            throw Unsupported("an interval whose first number is the greater");
        }

        return true;
    }

    private int Digits()
    {
        int start = _at;
        long value = 0;
        while (char.IsAsciiDigit(Peek()))
        {
            value = Math.Min(int.MaxValue, (10 * value) + (_source[_at++] - '0'));
        }

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
        if (_at >= _source.Length)
        {
            throw Wrong("ends too early");
        }

        int point = CharClass.CodePoint(_source, _at, out int length);
        _at += length;
        return point;
    }

    private PatternNode.One Literal(int point)
    {
        if (!_ignoreCase)
        {
            return new PatternNode.One(CharSet.Range(point, point));
        }

        int folded = CaseFolding.Fold(point);
        return new PatternNode.One(new CharSet(c => CaseFolding.Fold(c) == folded));
    }

    private PatternNode Group()
    {
        int start = _at;
        (bool, bool, bool) saved = (_ignoreCase, _dotAll, _extended);
        _at++;
        PatternNode? result = null;
        if (Take("?:"))
        {
            result = Choice();
        }
        else if (Take("?="))
        {
            result = new PatternNode.Look(Choice(), Behind: false, Negative: false);
        }
        else if (Take("?!"))
        {
            result = new PatternNode.Look(Choice(), Behind: false, Negative: true);
        }
        else if (Take("?<="))
        {
            result = new PatternNode.Look(Choice(), Behind: true, Negative: false);
        }
        else if (Take("?<!"))
        {
            result = new PatternNode.Look(Choice(), Behind: true, Negative: true);
        }
        else if (Take("?>"))
        {
            result = new PatternNode.Atomic(Choice());
        }
        else if (Take("?<") || Take("?'"))
        {
            result = Named();
        }
        else if (Take("?~"))
        {
            throw Unsupported("an absent function");
        }
        else if (Take("?("))
        {
            throw Unsupported("a condition");
        }
        else if (Take("?{") || Take("*"))
        {
            throw Unsupported("a callout");
        }
        else if (Take("?"))
        {
            if (!Options() || !Take(":"))
            {
                throw Wrong("has an unknown group");
            }

            result = Choice();
        }
        else
        {
            int number = _onlyNamed ? 0 : ++Groups;
            result = Choice();
            if (!_onlyNamed)
            {
                result = new PatternNode.Capture(result, number);
            }
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
        if (end <= _at)
        {
            throw Wrong("has a group whose name does not end");
        }

        string name = _source[_at..end];
        _at = end + 1;
        int number = ++Groups;
        if (!_names.TryAdd(name, number))
        {
            throw Unsupported($"the group name {Excerpt.Of(name)} twice");
        }

        return new PatternNode.Capture(Choice(), number);
    }
}
