namespace SLoRA.Pool;

/// <summary>
/// Copies of the states that sequences had at the ends of kept blocks, in pages of their own: who has the keys and values up to such a
/// block goes on from a copy as if it had computed them. Belongs to the engine's thread.
/// </summary>
internal sealed class StateSnapshots
{
    private const int None = -1;

    private readonly PagePool _pool;
    private readonly Action<int, int> _copy;
    private readonly int[]?[] _pages;
    private readonly Dictionary<int, int> _nodeOf;
    private readonly Stack<int[]> _spare;

    /// <summary>No copies.</summary>
    /// <param name="pool">Where pages come from.</param>
    /// <param name="statePages">Pages of a sequence's states.</param>
    /// <param name="nodes">Blocks that can be kept.</param>
    /// <param name="copy">Copies a page's bytes: from, to.</param>
    public StateSnapshots(PagePool pool, int statePages, int nodes, Action<int, int> copy)
    {
        _pool = pool;
        _copy = copy;
        _pages = new int[nodes][];

        // As many as the pool has pages for, so that nothing is allocated within a step.
        int most = pool.Total / statePages;
        _nodeOf = new Dictionary<int, int>(most);
        _spare = new Stack<int[]>(most);
        for (int i = 0; i < most; i++)
        {
            _spare.Push(new int[statePages]);
        }
    }

    /// <summary>The pages of the states at the end of a block; null when there is no copy.</summary>
    public int[]? Of(int node) => _pages[node];

    /// <summary>The block whose copy begins with a page; −1 for none.</summary>
    public int NodeOf(int page) => _nodeOf.GetValueOrDefault(page, None);

    /// <summary>Copies states to pages that have been reserved.</summary>
    public int[] Take(int node, ReadOnlySpan<int> states)
    {
        int[] pages = _spare.Pop();
        for (int i = 0; i < pages.Length; i++)
        {
            pages[i] = _pool.TakeReserved();
        }

        _pages[node] = pages;
        _nodeOf.Add(pages[0], node);
        try
        {
            Copy(states, pages);
            return pages;
        }
        catch
        {
            // The device has failed: the books stay right for whoever ends everything.
            GiveUp(node);
            throw;
        }
    }

    /// <summary>Copies states from a sequence's pages, or back to them.</summary>
    public void Copy(ReadOnlySpan<int> from, ReadOnlySpan<int> to)
    {
        for (int i = 0; i < to.Length; i++)
        {
            _copy(from[i], to[i]);
        }
    }

    /// <summary>Frees the pages of a copy.</summary>
    public void GiveUp(int node)
    {
        int[] pages = _pages[node]!;
        _pages[node] = null;
        _nodeOf.Remove(pages[0]);
        foreach (int page in pages)
        {
            _pool.Release(page);
        }

        _spare.Push(pages);
    }
}
