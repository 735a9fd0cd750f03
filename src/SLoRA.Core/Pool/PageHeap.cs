namespace SLoRA.Pool;

/// <summary>
/// Pages ordered by a key, their last use, the oldest first; any can be taken out. O(log n). Belongs to the engine's thread.
/// </summary>
/// <param name="positions">Where a page stands, by page; shared by heaps that never hold the same page.</param>
internal sealed class PageHeap(int[] positions)
{
    private (long Key, int Page)[] _items = new (long, int)[16];

    /// <summary>Pages in it.</summary>
    public int Count { get; private set; }

    /// <summary>The page used longest ago, and when. The heap must not be empty.</summary>
    public (long Key, int Page) Oldest => _items[0];

    /// <summary>Adds a page.</summary>
    public void Add(int page, long key)
    {
        if (Count == _items.Length)
        {
            Array.Resize(ref _items, 2 * Count);
        }

        Rise(Count++, (key, page));
    }

    /// <summary>Takes a page out.</summary>
    public void Remove(int page)
    {
        int hole = positions[page];
        (long Key, int Page) last = _items[--Count];
        if (hole < Count)
        {
            Sink(hole, last);
            Rise(positions[last.Page], last);
        }
    }

    private void Rise(int at, (long Key, int Page) item)
    {
        for (; at > 0 && _items[(at - 1) / 2].Key > item.Key; at = (at - 1) / 2)
        {
            Place(at, _items[(at - 1) / 2]);
        }

        Place(at, item);
    }

    private void Sink(int at, (long Key, int Page) item)
    {
        for (int child = (2 * at) + 1; child < Count; child = (2 * at) + 1)
        {
            child += child + 1 < Count && _items[child + 1].Key < _items[child].Key ? 1 : 0;
            if (_items[child].Key >= item.Key)
            {
                break;
            }

            Place(at, _items[child]);
            at = child;
        }

        Place(at, item);
    }

    private void Place(int at, (long Key, int Page) item)
    {
        _items[at] = item;
        positions[item.Page] = at;
    }
}
