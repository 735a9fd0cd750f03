namespace SLoRA.Evaluation.Fleet;

/// <summary>What was used last, up to a size; what was used longest ago goes first, unless somebody uses it.</summary>
/// <param name="capacity">The size.</param>
internal sealed class RecencyCache(double capacity)
{
    private readonly Dictionary<int, LinkedListNode<Entry>> _entries = [];
    private readonly LinkedList<Entry> _byUse = [];

    /// <summary>What its entries take.</summary>
    public double Size { get; private set; }

    /// <summary>What those entries take that somebody uses.</summary>
    public double UsedSize { get; private set; }

    /// <summary>Notes a use.</summary>
    /// <returns>Whether it was there.</returns>
    public bool Touch(int key)
    {
        if (!_entries.TryGetValue(key, out LinkedListNode<Entry>? node))
        {
            return false;
        }

        _byUse.Remove(node);
        _byUse.AddLast(node);
        return true;
    }

    /// <summary>Adds an entry; others go as far as the size asks for it.</summary>
    public void Add(int key, double size)
    {
        Size += size;
        _entries.Add(key, _byUse.AddLast(new Entry(key, size)));
        Shrink(capacity);
    }

    /// <summary>Somebody uses an entry, or one less does.</summary>
    public void Use(int key, int change)
    {
        Entry entry = _entries[key].Value;
        UsedSize += (entry.Users == 0 && change > 0 ? entry.Size : 0) - (entry.Users + change == 0 && change < 0 ? entry.Size : 0);
        entry.Users += change;
    }

    /// <summary>Drops entries that nobody uses until they take no more than a size.</summary>
    public void Shrink(double size)
    {
        for (LinkedListNode<Entry>? node = _byUse.First; node is not null && Size > size;)
        {
            LinkedListNode<Entry>? next = node.Next;
            if (node.Value.Users == 0)
            {
                Size -= node.Value.Size;
                _entries.Remove(node.Value.Key);
                _byUse.Remove(node);
            }

            node = next;
        }
    }

    private sealed class Entry(int key, double size)
    {
        public int Key { get; } = key;

        public double Size { get; } = size;

        public int Users { get; set; }
    }
}
