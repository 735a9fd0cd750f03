namespace SLoRA.Pool;

/// <summary>
/// The pages of one sequence, and what of its reservation is left: those of its states, which it has to itself, and for each block of its
/// tokens one of every group of layers, as long as rows that come see the block. Belongs to the engine's thread.
/// </summary>
internal sealed class PageTable
{
    private const int None = BlockPages.None;

    private readonly PagePool _pool;
    private readonly TableShape _shape;
    private readonly PrefixCache? _prefixes;
    private readonly int _tokenLimit;
    private readonly bool _passes;
    private readonly BlockPages _blocks;
    private readonly SequenceStates _states;
    private PrefixChain? _chain;

    // What was reserved for, and promises that pages taken from others ask for beyond it.
    private int _promised;
    private int _forks;
    private int _forkPages;
    private int _owed;

    /// <summary>A table without pages.</summary>
    /// <param name="pool">Where pages come from.</param>
    /// <param name="shape">What sequences have.</param>
    /// <param name="prefixes">Keeps full blocks for others; null when nothing is kept.</param>
    /// <param name="tokenLimit">The most tokens that the sequence will have.</param>
    public PageTable(PagePool pool, TableShape shape, PrefixCache? prefixes = null, int tokenLimit = 0)
    {
        _pool = pool;
        _shape = shape;
        _prefixes = prefixes;
        _tokenLimit = tokenLimit;
        _blocks = new BlockPages(shape.Groups);
        _states = new SequenceStates(shape, prefixes);
        for (int group = shape.WholeGroups; group < shape.Groups; group++)
        {
            _passes |= Passes(group);
        }
    }

    /// <summary>All pages that it has so far: those of its states, then those of its tokens, group by group.</summary>
    public ReadOnlySpan<int> Pages
    {
        get
        {
            if (_states.Pages.IsEmpty && _shape.Groups == 1)
            {
                return Held(0);
            }

            List<int> pages = [.. _states.Pages];
            for (int group = 0; group < _shape.Groups; group++)
            {
                pages.AddRange(Held(group));
            }

            return pages.ToArray();
        }
    }

    /// <summary>Groups of layers that have pages of their own.</summary>
    public int Groups => _shape.Groups;

    /// <summary>How many pages it has so far.</summary>
    public int PageCount
    {
        get
        {
            int pages = _states.Pages.Length;
            for (int group = 0; group < _shape.Groups; group++)
            {
                pages += Held(group).Length;
            }

            return pages;
        }
    }

    /// <summary>Pages of the states of a sequence that runs; 0 if there are none.</summary>
    public int StatePageCount => _shape.StatePages;

    /// <summary>The pages that hold its states, from the first <see cref="Extend"/> on.</summary>
    public ReadOnlySpan<int> StatePages => _states.Pages;

    /// <summary>Pages still promised to this sequence.</summary>
    public int Reserved { get; private set; }

    /// <summary>Pages that <see cref="Release"/> would give back to the pool, or leave to nobody but the cache of prefixes.</summary>
    public int Freed
    {
        get
        {
            int freed = Reserved + _states.Pages.Length;
            for (int group = 0; group < _shape.Groups; group++)
            {
                foreach (int page in Held(group))
                {
                    freed += _pool.OwnersOf(page) == (_prefixes?.Keeps(page) == true ? 2 : 1) ? 1 : 0;
                }
            }

            return freed;
        }
    }

    /// <summary>Whether full blocks are shared with others.</summary>
    public bool SharesPrefixes => _prefixes is not null;

    /// <summary>Tokens of a block.</summary>
    public int PageTokens => _shape.PageTokens;

    /// <summary>The pages that it has for a group of layers, from block <see cref="FirstBlock"/> on.</summary>
    public ReadOnlySpan<int> Held(int group) => _blocks.Of(group, _blocks.Count);

    /// <summary>The first block that it has a page of, for a group of layers.</summary>
    public int FirstBlock(int group) => _blocks.First(group);

    /// <summary>Whether it lets pages of a group go while it runs.</summary>
    public bool Passes(int group) => _shape.Passes(group, _tokenLimit);

    /// <summary>The page of a block for a group of layers; −1 when it has none.</summary>
    public int PageAt(int group, int block) => _blocks.At(group, block);

    /// <summary>
    /// Takes what others have computed of a sequence that has no pages yet: full blocks, as long as the tokens are the same and a row
    /// behind them finds all pages that it sees. They are held as pages of its own would be.
    /// </summary>
    /// <param name="origin">What the pages must have been computed with.</param>
    /// <param name="tokens">The sequence's tokens.</param>
    /// <param name="limit">How many of them may be taken.</param>
    /// <returns>How many tokens were taken.</returns>
    public int TakePrefix(PrefixOrigin origin, ReadOnlySpan<int> tokens, int limit)
    {
        _blocks.MakeRoom(_shape.Blocks(_tokenLimit));
        PrefixChain chain = ChainOf(origin);
        _blocks.Count = _prefixes!.Find(chain, tokens, limit / PageTokens);
        chain.Kept = _blocks.Count;
        for (int group = 0; group < _shape.Groups; group++)
        {
            int first = Passes(group) ? _shape.FirstBlock(group, _blocks.Count * PageTokens) : 0;
            _blocks.First(group) = first;
            for (int block = first; block < _blocks.Count; block++)
            {
                int page = _prefixes.PageOf(chain, block, group);
                _blocks[group, block] = page;
                _prefixes.Own(page);
                _owed += Join(group, page);
            }
        }

        _states.Find(chain, _blocks.Count);
        return _blocks.Count * PageTokens;
    }

    /// <summary>Takes pages for the states, and brings back those that belong to what it has taken from others.</summary>
    public void BringBackStates()
    {
        if (_states.AreElsewhere)
        {
            // In this order: when the device fails to copy, what is held is given back with all else.
            Extend(_blocks.Count * PageTokens);
            _states.BringBack();
        }
    }

    /// <inheritdoc cref="SequenceStates.NextBorder"/>
    public int NextBorder(int computed, int prompt) => _chain is null ? int.MaxValue : _states.NextBorder(computed, prompt);

    /// <summary>Keeps a copy of the states for others, if this is a place where that is done.</summary>
    /// <inheritdoc cref="SequenceStates.NextBorder"/>
    public void KeepStates(int computed, int prompt)
    {
        if (_chain is not null)
        {
            _states.Keep(_chain, computed, prompt);
        }
    }

    /// <summary>How many leading tokens <see cref="TakePrefix"/> would find now; nothing is taken.</summary>
    /// <inheritdoc cref="TakePrefix"/>
    public int CachedPrefix(PrefixOrigin origin, ReadOnlySpan<int> tokens, int limit) =>
        _prefixes!.Find(ChainOf(origin), tokens, limit / PageTokens) * PageTokens;

    /// <summary>
    /// Notes that the sequence was admitted with the pages it has now, after looking for <paramref name="tokens"/> tokens.
    /// </summary>
    public void Admitted(int tokens)
    {
        if (_prefixes is null)
        {
            return;
        }

        _prefixes.Admitted(tokens, _blocks.Count * PageTokens);
        for (int group = 0; group < _shape.Groups; group++)
        {
            foreach (int page in Held(group))
            {
                _prefixes.NoteUse(page);
            }
        }
    }

    /// <summary>Lets others share what is full and computed.</summary>
    /// <param name="tokens">The computed tokens.</param>
    public void Keep(ReadOnlySpan<int> tokens)
    {
        if (_chain is not null)
        {
            _prefixes!.Keep(_chain, tokens, this);
        }
    }

    /// <summary>Goes on with a kept page in the place of an equal one of its own, which nobody else has.</summary>
    public void Replace(int group, int block, int kept)
    {
        ref int page = ref _blocks[group, block];
        Leave(group, page);
        _pool.Release(page);
        page = kept;
        _prefixes!.Own(page);
        if (Join(group, page) > 0)
        {
            // Its own page has just become free.
            Reserve();
        }
    }

    /// <summary>
    /// Lets go what no row behind so many tokens sees. The place goes back to the pool, or is promised again for blocks that come.
    /// </summary>
    /// <param name="tokens">The computed tokens.</param>
    public void Pass(int tokens)
    {
        for (int group = _shape.WholeGroups; _passes && group < _shape.Groups; group++)
        {
            int first = Passes(group) ? _shape.FirstBlock(group, tokens) : 0;
            while (_blocks.First(group) < first)
            {
                int page = PageAt(group, _blocks.First(group));
                _blocks.First(group)++;
                if (page != None)
                {
                    LetGo(group, page);
                }
            }
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
        if (!_pool.TryReserve(pages))
        {
            return false;
        }

        Reserved += pages - _owed;
        _owed = 0;
        _promised = tokens;
        _forks = forks;
        _forkPages = ForkPages(tokens, sharedTokens);
        _blocks.MakeRoom(_shape.Blocks(Math.Max(_tokenLimit, tokens)));
        return true;
    }

    /// <summary>
    /// Gives a continuation its table: the full blocks of the first <paramref name="tokens"/> tokens are shared, the pages of states and of
    /// the block that the tokens end in the middle of are copied, and what the continuation still needs comes out of this table's
    /// reservation.
    /// </summary>
    /// <param name="tokens">Tokens that both have in common: all that have been computed.</param>
    /// <param name="copy">Copies a page's bytes: from, to.</param>
    public PageTable Fork(int tokens, Action<int, int> copy)
    {
        int full = tokens / PageTokens;
        var fork = new PageTable(_pool, _shape, _prefixes, _tokenLimit)
        {
            Reserved = _forkPages,
            _promised = _promised,
            _chain = _chain?.Fork(full),
        };
        Reserved -= _forkPages;
        _forks--;
        fork._blocks.MakeRoom(_blocks.Room);
        fork.Extend(0);
        for (int group = 0; group < _shape.Groups; group++)
        {
            fork._blocks.First(group) = _blocks.First(group);
            for (int block = _blocks.First(group); block < full; block++)
            {
                int page = PageAt(group, block);
                _pool.Share(page);
                fork._blocks[group, block] = page;
                fork.Reserved -= fork.Join(group, page);
            }
        }

        fork._blocks.Count = full;
        fork.Extend(tokens);
        for (int state = 0; state < StatePages.Length; state++)
        {
            copy(StatePages[state], fork.StatePages[state]);
        }

        for (int group = 0; group < _shape.Groups && full < fork._blocks.Count; group++)
        {
            copy(PageAt(group, full), fork.PageAt(group, full));
        }

        return fork;
    }

    /// <summary>Takes reserved pages until the states and positions up to <paramref name="tokens"/> − 1 have theirs.</summary>
    public void Extend(int tokens)
    {
        if (_states.AreMissing)
        {
            foreach (ref int page in _states.Begin())
            {
                page = Take();
            }
        }

        for (int needed = _shape.Blocks(tokens); _blocks.Count < needed; _blocks.Count++)
        {
            for (int group = 0; group < _shape.Groups; group++)
            {
                if (_blocks.Count >= _blocks.First(group))
                {
                    int page = Take();
                    _blocks[group, _blocks.Count] = page;
                    Join(group, page);
                }
            }
        }
    }

    /// <summary>
    /// Takes pages for what has been computed of a sequence and was given up, beyond what others had left: of blocks that rows behind it
    /// see.
    /// </summary>
    /// <returns>Its pages in the order of <see cref="AllPagesOf"/>; −1 for those that it had before.</returns>
    public int[] Restore(int tokens)
    {
        int before = _blocks.Count;
        Pass(tokens);
        Settle();
        Extend(tokens);
        int[] pages = [.. AllPagesOf(tokens)];
        int at = StatePages.Length;
        for (int group = 0; group < _shape.Groups; group++)
        {
            for (int block = FirstBlock(group); block < _shape.Blocks(tokens); block++)
            {
                pages[at] = block < before ? None : pages[at];
                at++;
            }
        }

        return pages;
    }

    /// <summary>The pages of a group of layers that hold positions up to <paramref name="tokens"/> − 1.</summary>
    public ReadOnlySpan<int> PagesOf(int tokens, int group = 0) => _blocks.Of(group, _shape.Blocks(tokens));

    /// <summary>
    /// The pages that hold all that is kept of a sequence of <paramref name="tokens"/> tokens: its states, then its groups of layers.
    /// </summary>
    public ReadOnlySpan<int> AllPagesOf(int tokens)
    {
        List<int> pages = [.. _states.Pages];
        for (int group = 0; group < _shape.Groups; group++)
        {
            pages.AddRange(PagesOf(tokens, group));
        }

        return pages.ToArray();
    }

    /// <summary>Gives back every page, the last first, and the rest of the reservation. Calling it again does nothing.</summary>
    public void Release()
    {
        while (_blocks.Count > 0)
        {
            int block = --_blocks.Count;
            for (int group = _shape.Groups - 1; group >= 0; group--)
            {
                if (block >= _blocks.First(group))
                {
                    Return(group, _blocks[group, block]);
                }
            }
        }

        _states.Release(_pool);
        _blocks.Clear();
        _pool.CancelReservation(Reserved);
        Reserved = 0;
        if (_chain is not null)
        {
            _prefixes!.Ended(_chain);
            _chain.Kept = 0;
        }
    }

    /// <summary>Forgets what its pages were computed from: the sequence has been given another origin. It has no pages.</summary>
    public void ForgetOrigin() => _chain = null;

    /// <summary>Pages to reserve so that so many tokens, and those forked, have theirs; not positive when they have them.</summary>
    public int Missing(int tokens, int forks = 0, int sharedTokens = 0) =>
        checked(Coming(tokens) + _owed + (forks * ForkPages(tokens, sharedTokens)) - Reserved);

    /// <summary>Pages that <paramref name="tokens"/> tokens need at once at most, with those of the states.</summary>
    public int PagesFor(int tokens)
    {
        int pages = _shape.StatePages;
        for (int group = 0; group < _shape.Groups; group++)
        {
            pages += AtOnce(group, _shape.Blocks(tokens));
        }

        return pages;
    }

    /// <summary>Pages that a sequence and those forked from it need at once at most.</summary>
    public int PagesFor(int tokens, int forks, int sharedTokens) => checked(PagesFor(tokens) + (forks * ForkPages(tokens, sharedTokens)));

    /// <summary>Pages that a fork needs at once at most, beside those that it shares until its end.</summary>
    private int ForkPages(int tokens, int sharedTokens)
    {
        int pages = _shape.StatePages;
        for (int group = 0; group < _shape.Groups; group++)
        {
            int shared = Passes(group) ? _shape.FirstBlock(group, sharedTokens) : sharedTokens / PageTokens;
            pages += AtOnce(group, _shape.Blocks(tokens) - shared);
        }

        return pages;
    }

    /// <summary>Pages that are still to be taken, as far as they are needed at once with those that there are.</summary>
    private int Coming(int tokens)
    {
        int pages = _states.AreMissing ? _shape.StatePages : 0;
        for (int group = 0; group < _shape.Groups; group++)
        {
            int coming = _shape.Blocks(tokens) - Math.Max(_blocks.Count, FirstBlock(group));
            int most = Passes(group) ? _shape.MostBlocks(group) - Held(group).Length : coming;
            pages += Math.Max(0, Math.Min(coming, most));
        }

        return pages;
    }

    /// <summary>Pages that are promised beyond what can still be needed at once.</summary>
    private int Surplus => Reserved - Coming(_promised) - (_forks * _forkPages);

    private int AtOnce(int group, int blocks) => Passes(group) ? Math.Min(blocks, _shape.MostBlocks(group)) : blocks;

    private int Take()
    {
        Reserved--;
        return _pool.TakeReserved();
    }

    /// <summary>Becomes an owner of a page that may be let go while others need it.</summary>
    /// <returns>Promises to set aside.</returns>
    private int Join(int group, int page) => group < _shape.WholeGroups ? 0 : _pool.Windows.Join(page, Passes(group));

    private int Leave(int group, int page) => group < _shape.WholeGroups ? 0 : _pool.Windows.Leave(page, Passes(group));

    private void Return(int group, int page)
    {
        if (Leave(group, page) > 0)
        {
            if (_owed > 0)
            {
                _owed--;
            }
            else
            {
                _pool.CancelReservation(1);
            }
        }

        _pool.Release(page);
        _prefixes?.Returned(page);
    }

    private void LetGo(int group, int page)
    {
        bool isSetAside = Leave(group, page) > 0;
        _pool.Release(page);
        _prefixes?.Returned(page);
        if (isSetAside)
        {
            Reserved++;
        }
        else if (Surplus < 0)
        {
            Reserve();
            Reserved++;
        }

        Settle();
    }

    /// <summary>Takes back what is promised beyond what can still be needed.</summary>
    private void Settle()
    {
        int surplus = Math.Max(0, Surplus);
        _pool.CancelReservation(surplus);
        Reserved -= surplus;
    }

    /// <summary>Promises the place of a page that it was the last to have: it is free, or the cache has it and something idle.</summary>
    private void Reserve()
    {
        while (!_pool.TryReserve(1))
        {
            _prefixes!.GiveUpLeast();
        }
    }

    /// <summary>
    /// The chain of what it holds; another one when the content that it begins with has changed before anything was kept.
    /// </summary>
    private PrefixChain ChainOf(PrefixOrigin origin)
    {
        if (_chain is null || !_chain.Origin.Equals(origin))
        {
            _chain = _prefixes!.NewChain(origin, Math.Max(_blocks.Room, _shape.Blocks(_tokenLimit)));
        }

        return _chain;
    }
}
