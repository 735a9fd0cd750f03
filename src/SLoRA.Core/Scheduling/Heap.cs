namespace SLoRA.Scheduling;

/// <summary>
/// A binary heap whose items know their places in it, so that one can be taken out or moved wherever it stands: O(log n), and nothing is
/// allocated but for growth. Belongs to the engine's thread.
/// </summary>
/// <param name="compare">Negative when the first goes before the second; never 0 for two items.</param>
/// <param name="kind">Which of an item's places this heap writes; an item is in one heap of a kind at a time.</param>
internal sealed class Heap<T>(Comparison<T> compare, int kind)
    where T : HeapItem
{
    private readonly List<T> _items = [];

    /// <summary>Items.</summary>
    public int Count => _items.Count;

    /// <summary>The one that goes before all others; null when there is none.</summary>
    public T? First => _items.Count > 0 ? _items[0] : null;

    /// <summary>Whether an item is in a heap of this kind.</summary>
    public bool Contains(T item) => item.Place(kind) != 0;

    /// <summary>Puts an item in.</summary>
    public void Add(T item)
    {
        _items.Add(item);
        Rise(_items.Count - 1, item);
    }

    /// <summary>Takes an item out that is in it.</summary>
    public void Remove(T item)
    {
        int hole = item.Place(kind) - 1;
        item.Place(kind) = 0;
        T last = _items[^1];
        _items.RemoveAt(_items.Count - 1);
        if (last != item)
        {
            Settle(hole, last);
        }
    }

    /// <summary>What an item is compared by has changed.</summary>
    public void Update(T item) => Settle(item.Place(kind) - 1, item);

    private void Settle(int at, T item)
    {
        if (at > 0 && compare(item, _items[(at - 1) / 2]) < 0)
        {
            Rise(at, item);
        }
        else
        {
            Sink(at, item);
        }
    }

    private void Rise(int at, T item)
    {
        while (at > 0 && compare(item, _items[(at - 1) / 2]) < 0)
        {
            Put(at, _items[(at - 1) / 2]);
            at = (at - 1) / 2;
        }

        Put(at, item);
    }

    private void Sink(int at, T item)
    {
        for (int child = (2 * at) + 1; child < _items.Count; child = (2 * at) + 1)
        {
            if (child + 1 < _items.Count && compare(_items[child + 1], _items[child]) < 0)
            {
                child++;
            }

            if (compare(item, _items[child]) < 0)
            {
                break;
            }

            Put(at, _items[child]);
            at = child;
        }

        Put(at, item);
    }

    private void Put(int at, T item)
    {
        _items[at] = item;
        item.Place(kind) = at + 1;
    }
}
