using System.Globalization;
using System.Text;

namespace SLoRA.Formats.Peft;

/// <summary>
/// Rewrites a regular expression from Python's syntax into .NET's. Everything is parsed, so that what only one of the two engines
/// understands is refused instead of meaning something else: .NET's class subtraction, its balancing groups and its escapes are literal
/// text or errors in Python; Python's <c>\Z</c>, <c>(?P&lt;name&gt;…)</c>, <c>{,n}</c> and possessive loops are spelled differently here.
/// Groups are numbered and never named in the result, since .NET counts named groups after all others.
/// </summary>
internal sealed partial class PythonRegexTranslator
{
    // Deeper nesting and larger counts have no use on module names, and would let a short expression build a huge automaton.
    private const int DeepestNesting = 100;
    private const int LargestCount = 1000;

    private readonly string _text;
    private readonly StringBuilder _result = new();
    private readonly Dictionary<string, int> _names = new(StringComparer.Ordinal);
    private readonly HashSet<int> _closed = [];
    private int _at;
    private int _groups;
    private int _depth;

    public PythonRegexTranslator(string text) => _text = text;

    /// <summary>Whether the expression uses what only a backtracking engine can do.</summary>
    public bool NeedsBacktracking { get; private set; }

    /// <summary>The expression in .NET's syntax, to be run without any option that changes its meaning.</summary>
    /// <exception cref="ArgumentException">Python refuses the expression, or it cannot be expressed.</exception>
    public string Translate()
    {
        Alternatives(most: int.MaxValue);
        if (_at < _text.Length)
        {
            throw Error("unbalanced parenthesis");
        }

        return _result.ToString();
    }

    private void Alternatives(int most)
    {
        if (++_depth > DeepestNesting)
        {
            throw Error($"groups are nested more than {DeepestNesting} deep");
        }

        int count = 1;
        Sequence();
        while (Take('|'))
        {
            if (++count > most)
            {
                throw Error("a conditional group has more than two branches");
            }

            _result.Append('|');
            Sequence();
        }

        _depth--;
    }

    private void Sequence()
    {
        // What a loop would repeat: where it starts in the result, or -1 where there is nothing to repeat.
        int atom = -1;
        bool looped = false;
        while (_at < _text.Length && _text[_at] is not ('|' or ')'))
        {
            if (SkipComment())
            {
                continue;
            }

            int start = _result.Length;
            if (TryLoop() is { } loop)
            {
                if (atom < 0)
                {
                    throw Error(looped ? "multiple repeat" : "nothing to repeat");
                }

                _result.Append(loop);
                if (Take('?'))
                {
                    _result.Append('?');
                }
                else if (Take('+'))
                {
                    Possessive(atom);
                }

                atom = -1;
                looped = true;
                continue;
            }

            looped = false;
            atom = Atom() ? start : -1;
        }
    }

    /// <summary>Translates one atom; whether it can be repeated.</summary>
    private bool Atom()
    {
        char c = _text[_at++];
        switch (c)
        {
            case '^' or '$':
                _result.Append(c);
                return false;
            case '.':
                _result.Append('.');
                return true;
            case '[':
                Set();
                return true;
            case '(':
                return Group();
            case '\\':
                return Escape();
            default:
                Literal(c);
                return true;
        }
    }

    /// <summary>The loop that starts here, without its laziness; null and nothing taken if a brace is meant literally.</summary>
    private string? TryLoop()
    {
        char c = _text[_at];
        if (c is '*' or '+' or '?')
        {
            _at++;
            return c.ToString();
        }

        if (c != '{' || (_at + 1 < _text.Length && _text[_at + 1] == '}'))
        {
            return null;
        }

        int start = _at++;
        string low = Digits(), high = low;
        bool range = Take(',');
        if (range)
        {
            high = Digits();
        }

        if (!Take('}'))
        {
            _at = start;
            return null;
        }

        int least = low == "" ? 0 : Count(low);
        if (range && high == "")
        {
            return $"{{{least},}}";
        }

        int most = Count(high);
        return least <= most ? $"{{{least},{most}}}" : throw Error("min repeat greater than max repeat");
    }

    private int Count(string digits) =>
        int.TryParse(digits, CultureInfo.InvariantCulture, out int count) && count <= LargestCount
            ? count
            : throw Error($"the repetition {digits} is larger than {LargestCount}");

    private void Possessive(int atom)
    {
        NeedsBacktracking = true;
        _result.Insert(atom, "(?>").Append(')');
    }

    private string Digits()
    {
        int start = _at;
        while (_at < _text.Length && char.IsAsciiDigit(_text[_at]))
        {
            _at++;
        }

        return _text[start.._at];
    }

    private bool Take(char c)
    {
        if (_at >= _text.Length || _text[_at] != c)
        {
            return false;
        }

        _at++;
        return true;
    }

    /// <summary>One character that means itself. A pair of surrogates is kept together, so that a loop repeats both.</summary>
    private void Literal(char c)
    {
        if (!char.IsHighSurrogate(c))
        {
            Append(c);
            return;
        }

        if (_at >= _text.Length || !char.IsLowSurrogate(_text[_at]))
        {
            throw Error("half of a surrogate pair");
        }

        _result.Append("(?:");
        Append(c);
        Append(_text[_at++]);
        _result.Append(')');
    }

    private void Append(char c)
    {
        if (char.IsAsciiLetterOrDigit(c) || c == '_')
        {
            _result.Append(c);
        }
        else
        {
            _result.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:X4}");
        }
    }

    private ArgumentException Error(string problem) => new($"{problem} at position {_at}");
}
