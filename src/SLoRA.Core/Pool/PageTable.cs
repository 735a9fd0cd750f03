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

    /// <summary>Reserves the pages of a whole sequence and of those that will be forked from it, if so many are available.</summary>
    /// <param name="tokens">The most tokens whose keys and values a sequence can ever have.</param>
    /// <param name="forks">How often <see cref="Fork"/> will be called.</param>
    /// <param name="sharedTokens">With how many tokens.</param>
    public bool TryReserve(int tokens, int forks = 0, int sharedTokens = 0)
    {
        int pages = PagesFor(tokens, forks, sharedTokens);
        if (!pool.TryReserve(pages))
        {
            return false;
        }

        Reserved = pages;
        _pages = new int[PagesFor(tokens)];
        return true;
    }

    /// <summary>
    /// Gives a continuation its table: the full pages of the first <paramref name="tokens"/> tokens are shared, the page that they end in the middle of
    /// is copied, and what the continuation still needs comes out of this table's reservation.
    /// </summary>
    /// <param name="tokens">Tokens that both have in common.</param>
    /// <param name="copy">Copies a page's bytes: from, to.</param>
    public PageTable Fork(int tokens, Action<int, int> copy)
    {
        var fork = new PageTable(pool, pageTokens) { _pages = new int[_pages.Length] };
        int full = tokens / pageTokens;
        for (int i = 0; i < full; i++)
        {
            pool.Share(_pages[i]);
            fork._pages[i] = _pages[i];
        }

        fork._count = full;
        fork.Reserved = _pages.Length - full;
        Reserved -= fork.Reserved;
        if (tokens % pageTokens != 0)
        {
            fork.Extend(tokens);
            copy(_pages[full], fork._pages[full]);
        }

        return fork;
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

    /// <summary>Pages that a sequence and those forked from it take.</summary>
    public int PagesFor(int tokens, int forks, int sharedTokens) =>
        checked(PagesFor(tokens) + (forks * (PagesFor(tokens) - (sharedTokens / pageTokens))));
}
