namespace SLoRA.Pool;

/// <summary>
/// The pages of one sequence, and what of its reservation is left: first the pages of its states, which it has to itself, then those of its
/// tokens, in their order. Belongs to the engine's thread.
/// </summary>
/// <param name="pool">Where pages come from.</param>
/// <param name="pageTokens">Tokens of a page.</param>
/// <param name="prefixes">Keeps full pages for others; null when nothing is kept, as for sequences with states: a page of tokens
/// alone does not bring back the state behind it.</param>
/// <param name="capacity">Tokens whose pages it makes room to name as soon as it gets any; it makes more when it must.</param>
/// <param name="statePages">Pages that hold the states of a sequence; 0 for a model that keeps none.</param>
internal sealed class PageTable(PagePool pool, int pageTokens, PrefixCache? prefixes = null, int capacity = 0, int statePages = 0)
{
    private readonly int _capacity = statePages + ((capacity + pageTokens - 1) / pageTokens);
    private int[] _pages = [];
    private int _count;
    private int _forkPages;
    private PrefixChain? _chain;

    /// <summary>All pages that it has so far.</summary>
    public ReadOnlySpan<int> Pages => _pages.AsSpan(0, _count);

    /// <summary>Pages of the states of a sequence that runs; 0 if there are none.</summary>
    public int StatePageCount => statePages;

    /// <summary>The pages that hold its states, from the first <see cref="Extend"/> on.</summary>
    public ReadOnlySpan<int> StatePages => _pages.AsSpan(0, statePages);

    /// <summary>Pages still promised to this sequence.</summary>
    public int Reserved { get; private set; }

    /// <summary>Pages that <see cref="Release"/> would give back to the pool, or leave to nobody but the cache of prefixes.</summary>
    public int Freed
    {
        get
        {
            int freed = Reserved;
            foreach (int page in Pages)
            {
                freed += pool.OwnersOf(page) == (prefixes?.Keeps(page) == true ? 2 : 1) ? 1 : 0;
            }

            return freed;
        }
    }

    /// <summary>Whether full pages are shared with others.</summary>
    public bool SharesPrefixes => prefixes is not null;

    /// <summary>Tokens of a page.</summary>
    public int PageTokens => pageTokens;

    /// <summary>
    /// Takes what others have computed of a sequence that has no pages yet: full pages, as long as the tokens are the same. They are held
    /// until <see cref="Release"/>.
    /// </summary>
    /// <param name="origin">What the pages must have been computed with.</param>
    /// <param name="tokens">The sequence's tokens.</param>
    /// <param name="limit">How many of them may be taken.</param>
    /// <returns>How many tokens were taken.</returns>
    public int TakePrefix(PrefixOrigin origin, ReadOnlySpan<int> tokens, int limit)
    {
        MakeRoom(_capacity);
        _count = prefixes!.Take(ChainOf(origin), tokens, _pages.AsSpan(0, limit / pageTokens));
        return _count * pageTokens;
    }

    /// <summary>How many leading tokens <see cref="TakePrefix"/> would find now; nothing is taken.</summary>
    /// <inheritdoc cref="TakePrefix"/>
    public int CachedPrefix(PrefixOrigin origin, ReadOnlySpan<int> tokens, int limit) =>
        prefixes!.Find(ChainOf(origin), tokens, limit / pageTokens) * pageTokens;

    /// <summary>
    /// Notes that the sequence was admitted with the pages it has now, after looking for <paramref name="tokens"/> tokens.
    /// </summary>
    public void Admitted(int tokens) => prefixes?.Admitted(tokens, Pages);

    /// <summary>Lets others share what is full and computed.</summary>
    /// <param name="tokens">The computed tokens.</param>
    public void Keep(ReadOnlySpan<int> tokens)
    {
        if (_chain is not null)
        {
            prefixes!.Keep(_chain, tokens, _pages.AsSpan(0, _count));
        }
    }

    /// <summary>
    /// Reserves what a sequence needs beyond the pages it has, and what those need that will be forked from it, if so many are available.
    /// </summary>
    /// <param name="tokens">Tokens that a sequence will have computed.</param>
    /// <param name="forks">How often <see cref="Fork"/> will be called.</param>
    /// <param name="sharedTokens">With how many tokens.</param>
    public bool TryReserve(int tokens, int forks = 0, int sharedTokens = 0)
    {
        int pages = Math.Max(0, Missing(tokens, forks, sharedTokens));
        if (!pool.TryReserve(pages))
        {
            return false;
        }

        Reserved += pages;
        _forkPages = PagesFor(tokens) - (sharedTokens / pageTokens);
        MakeRoom(Math.Max(_capacity, PagesFor(tokens)));
        return true;
    }

    /// <summary>
    /// Gives a continuation its table: the full pages of the first <paramref name="tokens"/> tokens are shared, the pages of states and the
    /// page that the tokens end in the middle of are copied, and what the continuation still needs comes out of this table's reservation.
    /// </summary>
    /// <param name="tokens">Tokens that both have in common: all that have been computed.</param>
    /// <param name="copy">Copies a page's bytes: from, to.</param>
    public PageTable Fork(int tokens, Action<int, int> copy)
    {
        int full = tokens / pageTokens;
        var fork =
            new PageTable(pool, pageTokens, prefixes, 0, statePages) { _pages = new int[_pages.Length], _chain = _chain?.Fork(full) };
        fork.Reserved = _forkPages;
        Reserved -= fork.Reserved;
        fork.Extend(0);
        foreach (int page in _pages.AsSpan(statePages, full))
        {
            pool.Share(page);
            fork._pages[fork._count++] = page;
        }

        fork.Extend(tokens);
        for (int i = 0; i < fork._count; i++)
        {
            if (fork._pages[i] != _pages[i])
            {
                copy(_pages[i], fork._pages[i]);
            }
        }

        return fork;
    }

    /// <summary>Takes reserved pages until the states and positions 0 to <paramref name="tokens"/> − 1 have theirs.</summary>
    public void Extend(int tokens)
    {
        for (int needed = PagesFor(tokens); _count < needed; _count++)
        {
            _pages[_count] = pool.TakeReserved();
            Reserved--;
        }
    }

    /// <summary>The pages that hold positions 0 to <paramref name="tokens"/> − 1.</summary>
    public ReadOnlySpan<int> PagesOf(int tokens) => _pages.AsSpan(statePages, TokenPages(tokens));

    /// <summary>The pages that hold all that is kept of a sequence of <paramref name="tokens"/> tokens, its states first.</summary>
    public ReadOnlySpan<int> AllPagesOf(int tokens) => _pages.AsSpan(0, PagesFor(tokens));

    /// <summary>Gives back every page, the last first, and the rest of the reservation. Calling it again does nothing.</summary>
    public void Release()
    {
        while (_count > 0)
        {
            int page = _pages[--_count];
            pool.Release(page);
            prefixes?.Returned(page);
        }

        pool.CancelReservation(Reserved);
        Reserved = 0;
        if (_chain is not null)
        {
            _chain.Kept = 0;
        }
    }

    /// <summary>Forgets what its pages were computed from: the sequence has been given another origin. It has no pages.</summary>
    public void ForgetOrigin() => _chain = null;

    /// <summary>Pages to reserve so that so many tokens, and those forked, have theirs; not positive when they have them.</summary>
    public int Missing(int tokens, int forks = 0, int sharedTokens = 0) => PagesFor(tokens, forks, sharedTokens) - _count - Reserved;

    /// <summary>Pages that a sequence of <paramref name="tokens"/> tokens takes, those of its states included.</summary>
    public int PagesFor(int tokens) => statePages + TokenPages(tokens);

    /// <summary>Pages that a sequence and those forked from it take.</summary>
    public int PagesFor(int tokens, int forks, int sharedTokens) =>
        checked(PagesFor(tokens) + (forks * (PagesFor(tokens) - (sharedTokens / pageTokens))));

    private int TokenPages(int tokens) => (tokens + pageTokens - 1) / pageTokens;

    /// <summary>
    /// The chain of what it holds; another one when the content that it begins with has changed before anything was kept.
    /// </summary>
    private PrefixChain ChainOf(PrefixOrigin origin)
    {
        if (_chain is null || !_chain.Origin.Equals(origin))
        {
            _chain = prefixes!.NewChain(origin, Math.Max(_pages.Length, _capacity));
        }

        return _chain;
    }

    private void MakeRoom(int pages)
    {
        if (_pages.Length < pages)
        {
            Array.Resize(ref _pages, pages);
        }
    }
}
