using System.Buffers;

namespace SLoRA.Extensions.AI.Replies.Reading;

/// <summary>Finds the first of several markers in a text that arrives in pieces.</summary>
internal sealed class MarkerSearch
{
    private readonly string[] _markers;
    private readonly SearchValues<string> _values;
    private readonly SearchValues<char> _first;
    private readonly int _longest;

    /// <param name="markers">None of them empty.</param>
    public MarkerSearch(params string[] markers)
    {
        _markers = [.. markers.OrderByDescending(marker => marker.Length)];
        _values = SearchValues.Create(_markers, StringComparison.Ordinal);
        _first = SearchValues.Create([.. _markers.Select(marker => marker[0]).Distinct()]);
        _longest = _markers.Length == 0 ? 0 : _markers[0].Length;
    }

    /// <summary>
    /// Where the first marker begins and which it is; the longest where several begin there. Negative where there is none.
    /// </summary>
    public int Find(ReadOnlySpan<char> text, out string marker)
    {
        marker = "";
        int at = _markers.Length == 0 ? -1 : text.IndexOfAny(_values);
        if (at >= 0)
        {
            ReadOnlySpan<char> found = text[at..];
            foreach (string candidate in _markers)
            {
                if (found.StartsWith(candidate))
                {
                    marker = candidate;
                    break;
                }
            }
        }

        return at;
    }

    /// <summary>How many characters at the end of the text could be the beginning of a marker: as many as there can be.</summary>
    public int Open(ReadOnlySpan<char> text)
    {
        int from = Math.Max(0, text.Length - _longest + 1);
        while (from < text.Length)
        {
            int at = text[from..].IndexOfAny(_first);
            if (at < 0)
            {
                break;
            }

            from += at;
            foreach (string marker in _markers)
            {
                if (marker.AsSpan().StartsWith(text[from..]))
                {
                    return text.Length - from;
                }
            }

            from++;
        }

        return 0;
    }
}
