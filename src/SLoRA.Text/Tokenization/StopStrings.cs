namespace SLoRA.Text.Tokenization;

/// <summary>
/// Finds the first stop string to be completed in a text that arrives in pieces, and holds back the end of the text as long as it could
/// be the start of one. Of those completed by the same character the longest counts.
/// </summary>
internal sealed class StopStrings
{
    private readonly string[] _stops;
    private readonly int[][] _failures;
    private readonly int[] _matched;
    private readonly CharBuffer _held = new();
    private int _given;

    public StopStrings(IEnumerable<string> stops)
    {
        // Longest first, so that the first found of those that end together is the longest.
        _stops = [.. stops.Where(stop => stop.Length > 0).Distinct().OrderByDescending(stop => stop.Length)];
        _failures = [.. _stops.Select(Failures)];
        _matched = new int[_stops.Length];
    }

    /// <summary>The stop string that was met, or null.</summary>
    public string? Met { get; private set; }

    /// <summary>Takes the next piece, gives what can be given. Valid until the next call.</summary>
    public ReadOnlySpan<char> Filter(ReadOnlySpan<char> piece)
    {
        if (_stops.Length == 0) return piece;
        _held.RemoveStart(_given);
        _given = 0;
        foreach (char c in piece)
        {
            _held.Append(c);
            for (int i = 0; i < _stops.Length; i++)
            {
                int matched = _matched[i];
                while (matched > 0 && _stops[i][matched] != c) matched = _failures[i][matched];
                if (_stops[i][matched] == c) matched++;
                _matched[i] = matched;
                if (matched < _stops[i].Length) continue;
                Met = _stops[i];
                return _held.Span[..(_held.Length - matched)];
            }
        }

        int open = 0;
        foreach (int matched in _matched) open = Math.Max(open, matched);
        _given = _held.Length - open;
        return _held.Span[.._given];
    }

    /// <summary>Takes the last piece, gives everything that is left.</summary>
    public ReadOnlySpan<char> FilterLast(ReadOnlySpan<char> piece)
    {
        if (_stops.Length == 0) return piece;
        ReadOnlySpan<char> given = Filter(piece);
        return Met is null ? _held.Span : given;
    }

    // Failures[n]: the length of the longest proper prefix of the stop string that ends its first n characters.
    private static int[] Failures(string stop)
    {
        int[] failures = new int[stop.Length];
        for (int length = 2; length < stop.Length; length++)
        {
            int matched = failures[length - 1];
            while (matched > 0 && stop[matched] != stop[length - 1]) matched = failures[matched];
            failures[length] = stop[matched] == stop[length - 1] ? matched + 1 : 0;
        }

        return failures;
    }
}
