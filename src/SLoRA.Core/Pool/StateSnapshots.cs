namespace SLoRA.Pool;

/// <summary>
/// Copies of the states that sequences had at the ends of kept blocks, in pages of their own: who has the keys and values up to such a
/// block goes on from a copy as if it had computed them. Belongs to the engine's thread.
/// </summary>
/// <param name="pool">Where pages come from.</param>
/// <param name="statePages">Pages of a sequence's states.</param>
/// <param name="nodes">Blocks that can be kept.</param>
/// <param name="copy">Copies a page's bytes: from, to.</param>
internal sealed class StateSnapshots(PagePool pool, int statePages, int nodes, Action<int, int> copy)
{
    private const int None = -1;

    private readonly int[]?[] _pages = new int[nodes][];
    private readonly Dictionary<int, int> _nodeOf = [];
    private readonly Stack<int[]> _spare = [];

    /// <summary>The pages of the states at the end of a block; null when there is no copy.</summary>
    public int[]? Of(int node) => _pages[node];

    /// <summary>The block whose copy begins with a page; −1 for none.</summary>
    public int NodeOf(int page) => _nodeOf.GetValueOrDefault(page, None);

    /// <summary>Copies states to pages that have been reserved.</summary>
    public int[] Take(int node, ReadOnlySpan<int> states)
    {
        int[] pages = _spare.TryPop(out int[]? spare) ? spare : new int[statePages];
        for (int i = 0; i < pages.Length; i++)
        {
            pages[i] = pool.TakeReserved();
            copy(states[i], pages[i]);
        }

        _pages[node] = pages;
        _nodeOf.Add(pages[0], node);
        return pages;
    }

    /// <summary>Copies a snapshot to a sequence's pages.</summary>
    public void BringBack(ReadOnlySpan<int> snapshot, ReadOnlySpan<int> states)
    {
        for (int i = 0; i < states.Length; i++)
        {
            copy(snapshot[i], states[i]);
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
            pool.Release(page);
        }

        _spare.Push(pages);
    }
}
