namespace SLoRA.Text.Tokenization.Patterns;

/// <summary>
/// Walks over the matches of a pattern and the gaps between them, in order. An empty match right behind the last match is passed over,
/// as the reference's iterator does.
/// </summary>
internal ref struct MatchWalk
{
    private readonly TextPattern _pattern;
    private readonly ReadOnlySpan<char> _text;
    private long _budget;
    private int _from;
    private int _lastEnd = -1;
    private int _covered;
    private int _matchStart = -1;
    private int _matchEnd;

    /// <param name="pattern">What is sought.</param>
    /// <param name="text">Well-formed UTF-16.</param>
    /// <param name="from">Where the walk starts; what is before can only be looked back at.</param>
    public MatchWalk(TextPattern pattern, ReadOnlySpan<char> text, int from = 0)
    {
        _from = _covered = from;
        _pattern = pattern;
        _text = text;
        _budget = TextPattern.Budget(text.Length);
    }

    /// <summary>The next stretch: a gap (never empty) or a match (which can be).</summary>
    public bool Next(out int start, out int end, out bool isMatch)
    {
        if (_matchStart < 0 && !Find())
        {
            start = _covered;
            end = _covered = _text.Length;
            isMatch = false;
            return start < end;
        }

        isMatch = _covered == _matchStart;
        start = _covered;
        if (isMatch)
        {
            end = _matchEnd;
            _matchStart = -1;
        }
        else
        {
            end = _matchStart;
        }

        _covered = end;
        return true;
    }

    private bool Find()
    {
        while (_from <= _text.Length && _text.Length > 0 && _pattern.TryFind(_text, _from, ref _budget, out int start, out int end))
        {
            if (start == end && end == _lastEnd)
            {
                bool pair = _from + 1 < _text.Length && char.IsHighSurrogate(_text[_from]);
                _from += pair ? 2 : 1;
                continue;
            }

            _from = _lastEnd = end;
            _matchStart = start;
            _matchEnd = end;
            return true;
        }

        _from = _text.Length + 1;
        return false;
    }
}
