using SLoRA.Extensions.AI.Replies.Reading;

namespace SLoRA.Extensions.AI.Replies.Python;

/// <summary>
/// Finds the bracket that closes a Python list which arrives character by character: knows strings and brackets, and refuses characters
/// that no literal has. What the list says is read when it is whole.
/// </summary>
internal sealed class PythonScanner
{
    private readonly Stack<char> _closers = new();
    private Place _place;
    private char _quote;
    private bool _isEscaped;
    private int _closingQuotes;

    private enum Place
    {
        Between,

        // Behind one quote: a short string, unless more of them follow.
        OneQuote,

        // Behind two: an empty string, unless another one follows.
        TwoQuotes,
        ShortString,
        LongString,
    }

    /// <summary>Reads on.</summary>
    /// <param name="text">The next characters; the first of all is the opening bracket.</param>
    /// <param name="read">How many belong to the list, when it ends.</param>
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
        switch (_place)
        {
            case Place.OneQuote:
                _place = c == _quote ? Place.TwoQuotes : Place.ShortString;
                return _place == Place.TwoQuotes ? Match.Undecided : InShortString(c);
            case Place.TwoQuotes:
                _place = c == _quote ? Place.LongString : Place.Between;
                return _place == Place.LongString ? Match.Undecided : Between(c);
            case Place.ShortString:
                return InShortString(c);
            case Place.LongString:
                return InLongString(c);
            default:
                return Between(c);
        }
    }

    private Match InShortString(char c)
    {
        if (!IsPlain(c))
        {
            return Match.Undecided;
        }

        _place = c == _quote ? Place.Between : Place.ShortString;
        return c == '\n' ? Match.No : Match.Undecided;
    }

    private Match InLongString(char c)
    {
        _closingQuotes = IsPlain(c) && c == _quote ? _closingQuotes + 1 : 0;
        if (_closingQuotes == 3)
        {
            _closingQuotes = 0;
            _place = Place.Between;
        }

        return Match.Undecided;
    }

    // Whether a character of a string is neither a backslash nor behind one.
    private bool IsPlain(char c)
    {
        bool wasEscaped = _isEscaped;
        _isEscaped = !wasEscaped && c == '\\';
        return !wasEscaped && !_isEscaped;
    }

    private Match Between(char c)
    {
        switch (c)
        {
            case '\'' or '"':
                (_quote, _place) = (c, Place.OneQuote);
                return Match.Undecided;
            case '[' or '(' or '{':
                _closers.Push(c == '[' ? ']' : c == '(' ? ')' : '}');
                return _closers.Count > PythonCalls.MaxDepth ? Match.No : Match.Undecided;
            case ']' or ')' or '}':
                return _closers.Pop() != c ? Match.No : _closers.Count == 0 ? Match.Yes : Match.Undecided;
            case ',' or '=' or ':' or '.' or '+' or '-':
                return Match.Undecided;
            default:
                return char.IsWhiteSpace(c) || PythonCalls.IsNamePart(c) ? Match.Undecided : Match.No;
        }
    }
}
