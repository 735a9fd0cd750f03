namespace SLoRA.Pool;

/// <summary>
/// Pages ordered by a key, their last use, the oldest first; any can be taken out. O(log n). All memory is taken at once, so that no step
/// has to. Belongs to the engine's thread.
/// </summary>
/// <param name="positions">Where a page stands, by page; shared by heaps that never hold the same page.</param>
/// <param name="keys">The key of a page that is in a heap, by page; shared likewise.</param>
internal sealed class PageHeap(int[] positions, long[] keys)
{
    private readonly int[] _pages = new int[positions.Length];

    /// <summary>Pages in it.</summary>
    public int Count { get; private set; }

    /// <summary>The page used longest ago, and when. The heap must not be empty.</summary>
    public (long Key, int Page) Oldest => (keys[_pages[0]], _pages[0]);

    /// <summary>Adds a page.</summary>
    public void Add(int page, long key)
    {
        keys[page] = key;
        Rise(Count++, page);
    }

    /// <summary>Takes a page out.</summary>
    public void Remove(int page)
    {
        int hole = positions[page];
        int last = _pages[--Count];
        if (hole < Count)
        {
            Sink(hole, last);
            Rise(positions[last], last);
        }
    }

    private void Rise(int at, int page)
    {
        for (; at > 0 && keys[_pages[(at - 1) / 2]] > keys[page]; at = (at - 1) / 2)
        {
            Place(at, _pages[(at - 1) / 2]);
        }

        Place(at, page);
    }

    private void Sink(int at, int page)
    {
        for (int child = (2 * at) + 1; child < Count; child = (2 * at) + 1)
        {
            child += child + 1 < Count && keys[_pages[child + 1]] < keys[_pages[child]] ? 1 : 0;
            if (keys[_pages[child]] >= keys[page])
            {
                break;
            }

            Place(at, _pages[child]);
            at = child;
        }

        Place(at, page);
    }

    private void Place(int at, int page)
    {
        _pages[at] = page;
        positions[page] = at;
    }
}
