namespace SLoRA.Pool;

/// <summary>The pages of one sequence, in token order, and what of its reservation is left. Belongs to the engine's thread.</summary>
internal sealed class PageTable(PagePool pool, int pageTokens)
{
    private int[] _pages = [];
    private int _count;

    /// <summary>The pages that hold positions so far.</summary>
    public ReadOnlySpan<int> Pages => _pages.AsSpan(0, _count);

    /// <summary>Pages still promised to this sequence.</summary>
    public int Reserved { get; private set; }

    /// <summary>Reserves the pages of a whole sequence, if so many are available.</summary>
    /// <param name="tokens">The most tokens whose keys and values the sequence can ever have.</param>
    public bool TryReserve(int tokens)
    {
        int pages = PagesFor(tokens);
        if (!pool.TryReserve(pages))
        {
            return false;
        }

        Reserved = pages;
        _pages = new int[pages];
        return true;
    }

    /// <summary>Takes reserved pages until positions 0 to <paramref name="tokens"/> − 1 have one.</summary>
    public void Extend(int tokens)
    {
        for (int needed = PagesFor(tokens); _count < needed; _count++)
        {
            _pages[_count] = pool.TakeReserved();
            Reserved--;
        }
    }

    /// <summary>The pages that hold positions 0 to <paramref name="tokens"/> − 1.</summary>
    public ReadOnlySpan<int> PagesOf(int tokens) => _pages.AsSpan(0, PagesFor(tokens));

    /// <summary>Gives back every page and the rest of the reservation. Calling it again does nothing.</summary>
    public void Release()
    {
        for (int i = 0; i < _count; i++)
        {
            pool.Release(_pages[i]);
        }

        pool.CancelReservation(Reserved);
        _count = 0;
        Reserved = 0;
    }

    /// <summary>Pages that <paramref name="tokens"/> tokens take.</summary>
    public int PagesFor(int tokens) => (tokens + pageTokens - 1) / pageTokens;
}
