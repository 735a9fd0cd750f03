namespace SLoRA.Text.Tokenization;

/// <summary>
/// Finds the first stop string to be completed in a text that arrives in pieces, and holds back what is shown as long as it could belong to
/// one. The text that is watched has the special tokens in it, the one that is shown may not; stop strings count in either, and no part of
/// one is given.
/// </summary>
internal sealed class StopFilter(StopStrings stops)
{
    private readonly CharBuffer _held = new();

    // Where the last characters that were watched stand in the shown text: a ring as long as the longest stop string.
    private readonly long[] _places = new long[stops.Longest];
    private long _watched;
    private long _start;
    private int _given;
    private int _watchedState;
    private int _shownState;

    /// <summary>The stop string that was met, or null.</summary>
    public string? Met { get; private set; }

    /// <summary>Takes the next piece of both texts, gives what can be shown. Valid until the next call.</summary>
    public ReadOnlySpan<char> Filter(ReadOnlySpan<char> watched, ReadOnlySpan<char> shown)
    {
        _held.RemoveStart(_given);
        _start += _given;
        long before = _start + _held.Length;
        _held.Append(shown);
        long cut = Math.Min(Watch(watched, shown, before), Look(shown, before));
        if (Met is null)
        {
            cut = Math.Min(Certain(before + shown.Length), before + shown.Length - stops.Open(_shownState));
        }

        _given = (int)(cut - _start);
        return _held.Span[.._given];
    }

    /// <summary>Takes the last piece, gives everything that is left.</summary>
    public ReadOnlySpan<char> FilterLast(ReadOnlySpan<char> watched, ReadOnlySpan<char> shown)
    {
        ReadOnlySpan<char> given = Filter(watched, shown);
        return Met is null ? _held.Span : given;
    }

    // Where in the shown text the stop string begins that the watched text has completed; beyond every place where there is none.
    private long Watch(ReadOnlySpan<char> watched, ReadOnlySpan<char> shown, long before)
    {
        // Apart from special tokens the pieces are nearly always equal. What differs stands where the difference begins.
        int prefix = watched.CommonPrefixLength(shown);
        int suffix = 0;
        while (suffix < Math.Min(watched.Length, shown.Length) - prefix && watched[^(suffix + 1)] == shown[^(suffix + 1)])
        {
            suffix++;
        }

        for (int i = 0; i < watched.Length; i++)
        {
            int place = i < prefix ? i : i < watched.Length - suffix ? prefix : shown.Length - (watched.Length - i);
            _places[_watched++ % _places.Length] = before + place;
            _watchedState = stops.Next(_watchedState, watched[i]);
            if (stops.Met(_watchedState) is not { } met)
            {
                continue;
            }

            Met = met;
            return PlaceOf(met.Length);
        }

        return long.MaxValue;
    }

    // The same for the shown text.
    private long Look(ReadOnlySpan<char> shown, long before)
    {
        for (int i = 0; i < shown.Length; i++)
        {
            _shownState = stops.Next(_shownState, shown[i]);
            if (stops.Met(_shownState) is not { } met)
            {
                continue;
            }

            Met ??= met;
            return before + i + 1 - met.Length;
        }

        return long.MaxValue;
    }

    // Where in the shown text the part begins that the watched text holds back.
    private long Certain(long end) => stops.Open(_watchedState) is > 0 and int open ? PlaceOf(open) : end;

    private long PlaceOf(int fromEnd) => _places[(_watched - fromEnd) % _places.Length];
}
