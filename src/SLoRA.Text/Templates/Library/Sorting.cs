namespace SLoRA.Text.Templates;

/// <summary>Stable sorting in the language's order. The comparisons charge the budget, so that hostile keys cannot make it slow.</summary>
internal static class Sorting
{
    public static List<T> Sort<T>(Rendering r, IReadOnlyList<T> items, Func<T, object?> key, bool reverse)
    {
        r.Budget.Entries(3L * items.Count);
        var keyed = new (object? Key, T Item)[items.Count];
        for (int i = 0; i < keyed.Length; i++)
        {
            keyed[i] = (key(items[i]), items[i]);
        }

        Merge(r, keyed, new (object? Key, T Item)[keyed.Length], 0, keyed.Length, reverse);
        return [.. keyed.Select(k => k.Item)];
    }

    // Merge sort: stable, and indifferent to an order that contradicts itself (NaN).
    private static void Merge<T>(Rendering r, (object? Key, T Item)[] items, (object? Key, T Item)[] spare, int from, int to, bool reverse)
    {
        if (to - from < 2)
        {
            return;
        }

        int middle = (from + to) / 2;
        Merge(r, items, spare, from, middle, reverse);
        Merge(r, items, spare, middle, to, reverse);
        Array.Copy(items, from, spare, from, to - from);
        int left = from, right = middle;
        r.Budget.Step((to - from) >> 2);
        for (int at = from; at < to; at++)
        {
            bool takeRight = left >= middle || (right < to && Precedes(r, spare[right].Key, spare[left].Key, reverse));
            items[at] = takeRight ? spare[right++] : spare[left++];
        }
    }

    private static bool Precedes(Rendering r, object? a, object? b, bool reverse)
    {
        if (a is long x && b is long y)
        {
            return reverse ? x > y : x < y;
        }

        return reverse ? Ordering.Holds(r, b, "<", a) : Ordering.Holds(r, a, "<", b);
    }
}
