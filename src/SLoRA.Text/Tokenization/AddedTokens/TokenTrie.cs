using System.Buffers;

namespace SLoRA.Text.Tokenization.AddedTokens;

/// <summary>Finds the leftmost, and there the longest, of many texts.</summary>
internal sealed class TokenTrie
{
    private readonly Dictionary<long, int> _next = [];
    private readonly List<int> _values = [-1];
    private readonly HashSet<char> _firsts = [];
    private SearchValues<char>? _starts;

    public bool IsEmpty => _firsts.Count == 0;

    /// <summary>Adds a text that is not empty. Returns false when it is there already: the first value stays.</summary>
    public bool Add(string text, int value)
    {
        int node = 0;
        foreach (char c in text)
        {
            long key = ((long)node << 16) | c;
            if (!_next.TryGetValue(key, out int child))
            {
                child = _values.Count;
                _values.Add(-1);
                _next.Add(key, child);
            }

            node = child;
        }

        _firsts.Add(text[0]);
        if (_values[node] >= 0)
        {
            return false;
        }

        _values[node] = value;
        return true;
    }

    /// <summary>To be called once, after the last <see cref="Add"/>.</summary>
    public void Seal() => _starts = SearchValues.Create(_firsts.ToArray());

    public bool TryFind(ReadOnlySpan<char> text, int from, ContentMask mask, out int start, out int end, out int value)
    {
        for (start = from; start < text.Length; start++)
        {
            int skip = text[start..].IndexOfAny(_starts!);
            if (skip < 0)
            {
                break;
            }

            start += skip;
            end = start;
            value = -1;
            int node = 0;
            for (int at = start; at < text.Length && _next.TryGetValue(((long)node << 16) | text[at], out node); at++)
            {
                if (_values[node] < 0 || mask.Refuses(_values[node], start, at + 1))
                {
                    continue;
                }

                value = _values[node];
                end = at + 1;
            }

            if (value >= 0)
            {
                return true;
            }
        }

        end = value = 0;
        return false;
    }
}
