namespace SLoRA.Text.Tokenization.Patterns;

/// <content>Sets in brackets, with ranges, nested sets, intersections and POSIX classes.</content>
internal sealed partial class PatternParser
{
    private CharSet Set()
    {
        if (++_depth > MaxDepth)
        {
            throw Wrong("nests too deep");
        }

        bool negative = Take("^");
        var operands = new List<CharSet>();
        var items = new List<CharSet>();
        // A ] right at the start is itself, if another one follows.
        bool first = true;
        while (!Take("]") || first)
        {
            if (first && _at > 0 && _source[_at - 1] == ']')
            {
                if (_source.IndexOf(']', _at) < 0)
                {
                    throw Wrong("has an empty set");
                }

                _at--;
                items.Add(SetItem());
                first = false;
                continue;
            }

            first = false;
            if (_at >= _source.Length)
            {
                throw Wrong("has an unclosed set");
            }

            if (Take("&&"))
            {
                operands.Add(CharSet.Union(items));
                items = [];
                continue;
            }

            items.Add(SetItem());
        }

        _depth--;
        operands.Add(CharSet.Union(items));
        CharSet result = CharSet.Intersection(operands);
        if (_ignoreCase)
        {
            result = result.IgnoreCase();
        }

        return negative ? result.Negate() : result;
    }

    private CharSet SetItem()
    {
        if (Take("[:"))
        {
            int end = _source.IndexOf(":]", _at, StringComparison.Ordinal);
            if (end < 0)
            {
                throw Wrong("has a class in brackets that does not end");
            }

            string name = _source[_at..end];
            _at = end + 2;
            bool negative = name.StartsWith('^');
            Func<int, bool> contains = CharProperty.FindPosix(negative ? name[1..] : name)
                ?? throw Unsupported($"the class {Excerpt.Of($"[:{name}:]")}");
            return negative ? new CharSet(contains).Negate() : new CharSet(contains);
        }

        if (Take("["))
        {
            return Set();
        }

        if (Peek() == '\\')
        {
            _at++;
            if (_at >= _source.Length)
            {
                throw Wrong("ends in a backslash");
            }

            CharSet? set = SetEscape(inBrackets: true);
            if (set is not null)
            {
                return set;
            }

            _at--;
        }

        int low = SetPoint();
        if (Peek() != '-' || _at + 1 >= _source.Length || _source[_at + 1] == ']')
        {
            return CharSet.Range(low, low);
        }

        int dash = _at++;
        if (Peek() == '['
            || (Peek() == '\\' && _at + 1 < _source.Length && char.ToLowerInvariant(_source[_at + 1]) is 'd' or 'w' or 's' or 'h' or 'p'))
        {
            _at = dash;
            return CharSet.Range(low, low);
        }

        int high = SetPoint();
        if (high < low)
        {
            throw Wrong("has a range that runs backwards");
        }

        return CharSet.Range(low, high);
    }

    private int SetPoint()
    {
        if (!Take("\\"))
        {
            return NextCodePoint();
        }

        if (Take("b"))
        {
            return '\b';
        }

        if (_at >= _source.Length)
        {
            throw Wrong("ends in a backslash");
        }

        return CharEscape();
    }
}
