using System.Collections.Immutable;

namespace SLoRA.Pool;

/// <summary>
/// Full blocks of keys and values that later sequences can share: the nodes of a <see cref="PrefixForest"/>, each with a page of each group
/// of layers. The cache is one owner of each page it keeps; a page that has no other is idle.
/// <para>Layers that see everything: a sequence that owns a page owns all pages before it, so what lies behind an idle page is idle too,
/// and leaves go before what they continue. Layers that see the last positions only: each idle page can go by itself, and a node is of use
/// as long as the pages that a row behind it sees are there.</para>
/// Allocates nothing per page. Belongs to the engine's thread.
/// </summary>
internal sealed class PrefixCache : IIdlePages
{
    private const int None = PrefixForest.None;

    private readonly PagePool _pool;
    private readonly TimeProvider _clock;
    private readonly TableShape _shape;
    private readonly int _pageTokens;
    private readonly PageHash _hash;
    private readonly PrefixForest _forest;
    private readonly PageUse[] _uses;
    private readonly IdleLeaves _idleLeaves;
    private readonly int[] _gone;
    private readonly StateSnapshots? _snapshots;
    private long _order;

    /// <summary>An empty cache over a pool.</summary>
    /// <param name="pool">The pool.</param>
    /// <param name="shape">What sequences have.</param>
    /// <param name="clock">Tells how long ago a page was used.</param>
    /// <param name="hash">How blocks are hashed; null for SHA-256.</param>
    /// <param name="copy">Copies a page's bytes, from, to: what states are kept with.</param>
    public PrefixCache(
        PagePool pool, TableShape shape, TimeProvider clock, PageHash? hash = null, Action<int, int>? copy = null)
    {
        _pool = pool;
        _clock = clock;
        _shape = shape;
        _pageTokens = shape.PageTokens;
        _hash = hash ?? PrefixChain.Sha256;
        _forest = new PrefixForest(pool.Total, shape);
        _uses = new PageUse[pool.Total];
        _idleLeaves = new IdleLeaves(pool.Total, _pageTokens * IdleLeaves.BytesPerToken / shape.Groups, clock);
        _gone = new int[shape.Groups];
        _snapshots = shape.StatePages > 0 ? new StateSnapshots(pool, shape.StatePages, pool.Total, copy!) : null;
    }

    /// <summary>Pages that are kept.</summary>
    public int Count { get; private set; }

    /// <inheritdoc/>
    public int IdlePageCount { get; private set; }

    /// <summary>What has been asked of the cache since the engine was built.</summary>
    public PrefixCounters Counters { get; private set; }

    /// <inheritdoc/>
    public double LeastWorth
    {
        get
        {
            _idleLeaves.Least(out double worth);
            return worth;
        }
    }

    /// <inheritdoc/>
    public void GiveUpLeast()
    {
        int page = _idleLeaves.Least(out _);
        (int node, int group) = _forest.PlaceOf(page);
        if (_snapshots is not null && node == None)
        {
            GiveUpSnapshot(_snapshots.NodeOf(page));
        }
        else if (group < _shape.WholeGroups)
        {
            GiveUp(node);
        }
        else
        {
            GiveUpPage(node, group);
            if (_forest.IsNothing(node))
            {
                Remove(node);
            }
        }
    }

    /// <summary>An empty chain for a sequence.</summary>
    public PrefixChain NewChain(PrefixOrigin origin, int pageLimit) => new(origin, _pageTokens, pageLimit, _hash);

    /// <summary>
    /// The longest run of leading blocks that hold these tokens and behind which a sequence can go on: all pages that a row there sees are
    /// kept, and the states if there are any. Its nodes are noted in the chain.
    /// </summary>
    /// <param name="chain">The sequence's chain; nothing of it is kept yet.</param>
    /// <param name="tokens">The sequence's tokens.</param>
    /// <param name="most">The most blocks to look for.</param>
    public int Find(PrefixChain chain, ReadOnlySpan<int> tokens, int most)
    {
        int usable = 0;
        int parent = None;
        chain.Matched = 0;
        _gone.AsSpan().Fill(None);
        for (int block = 0; block < most; block++)
        {
            if (!_forest.TryGet(chain.HashOf(block, tokens), out int node)
                || !_forest.Holds(node, parent, chain.OriginOf(block), Block(tokens, block)))
            {
                break;
            }

            chain.NodeOf(block) = (node, _forest.StampOf(node));
            parent = node;
            bool isUsable = _snapshots is null || _snapshots.Of(node) is not null;
            chain.Matched = block + 1;
            for (int group = _shape.WholeGroups; group < _shape.Groups; group++)
            {
                _gone[group] = _forest.PageOf(node, group) == None ? block : _gone[group];
                isUsable &= _gone[group] < _shape.FirstBlock(group, (block + 1) * _pageTokens);
            }

            usable = isUsable ? block + 1 : usable;
        }

        return usable;
    }

    /// <summary>The page that a block of a chain has for a group of layers; negative when it is gone.</summary>
    public int PageOf(PrefixChain chain, int block, int group) => _forest.PageOf(chain.NodeOf(block).Node, group);

    /// <summary>Adds a sequence to the owners of a kept page.</summary>
    public void Own(int page)
    {
        if (_pool.OwnersOf(page) == 1)
        {
            IdlePageCount--;
            _idleLeaves.Remove(page);
        }

        _pool.Share(page);
    }

    /// <summary>Notes that a sequence has been admitted.</summary>
    /// <param name="tokens">Tokens that were looked for.</param>
    /// <param name="found">Tokens that were there.</param>
    public void Admitted(int tokens, int found)
    {
        _order++;
        Counters = new PrefixCounters(
            Counters.Lookups + 1, Counters.Hits + (found > 0 ? 1 : 0), Counters.LookupTokens + tokens, Counters.HitTokens + found);
    }

    /// <summary>The sequence that was admitted last goes on with this page.</summary>
    public void NoteUse(int page)
    {
        ref PageUse use = ref _uses[page];
        use.Hits++;
        use.LastUsed = _clock.GetTimestamp();
        use.Order = _order;
    }

    /// <summary>
    /// Keeps the blocks of a sequence that are full and computed. Where an equal page is kept already, the sequence gets that one and its
    /// own is returned: equal tokens of equal origin have equal keys and values.
    /// </summary>
    /// <param name="chain">The sequence's chain.</param>
    /// <param name="tokens">The sequence's computed tokens.</param>
    /// <param name="table">The sequence's pages.</param>
    public void Keep(PrefixChain chain, ReadOnlySpan<int> tokens, PageTable table)
    {
        for (int full = tokens.Length / _pageTokens; chain.Kept < full && !chain.IsClosed;)
        {
            int at = chain.Kept;
            (int parent, long stamp) = at == 0 ? (None, 0) : chain.NodeOf(at - 1);
            UInt128 hash = chain.HashOf(at, tokens);
            int node;
            if (parent != None && _forest.StampOf(parent) != stamp)
            {
                chain.IsClosed = true;
                return;
            }
            else if (!_forest.TryGet(hash, out node))
            {
                node = _forest.Insert(parent, chain.OriginOf(at), hash, Block(tokens, at));
            }
            else if (!_forest.Holds(node, parent, chain.OriginOf(at), Block(tokens, at)))
            {
                node = None;
            }

            if (node == None)
            {
                chain.IsClosed = true;
                return;
            }

            for (int group = 0; group < _shape.Groups; group++)
            {
                KeepPage(node, group, at, table);
            }

            chain.NodeOf(at) = (node, _forest.StampOf(node));
            chain.Kept++;
        }
    }

    /// <summary>Whether a page is one of those that are kept.</summary>
    public bool Keeps(int page) => _forest.PlaceOf(page).Node != None;

    /// <summary>
    /// Keeps a copy of a sequence's states at the end of a block that is kept, if there is room: what is idle and worth less makes it.
    /// </summary>
    /// <param name="chain">The sequence's chain.</param>
    /// <param name="blocks">Blocks that are computed.</param>
    /// <param name="states">The pages of the states.</param>
    public void KeepStates(PrefixChain chain, int blocks, ReadOnlySpan<int> states)
    {
        if (chain.Kept < blocks || states.Length > _pool.Available + IdlePageCount)
        {
            return;
        }

        int node = chain.NodeOf(blocks - 1).Node;
        if (_snapshots!.Of(node) is not null)
        {
            return;
        }

        while (!_pool.TryReserve(states.Length))
        {
            GiveUpLeast();
        }

        int first = _snapshots.Take(node, states)[0];
        Count += states.Length;
        IdlePageCount += states.Length;
        _uses[first] = new PageUse { LastUsed = _clock.GetTimestamp(), Order = ++_order };
        AddIdle(first);
    }

    /// <summary>Holds the copy of states that a sequence goes on from.</summary>
    public int[] OwnStates(PrefixChain chain, int blocks)
    {
        int[] snapshot = _snapshots!.Of(chain.NodeOf(blocks - 1).Node)!;
        foreach (int page in snapshot)
        {
            Own(page);
        }

        return snapshot;
    }

    /// <summary>Gives back what <see cref="OwnStates"/> has held.</summary>
    /// <param name="snapshot">The copy.</param>
    /// <param name="states">Receives it before; empty when the sequence does not go on from it.</param>
    public void ReturnStates(int[] snapshot, ReadOnlySpan<int> states)
    {
        _snapshots!.Copy(snapshot, states);
        foreach (int page in snapshot)
        {
            _pool.Release(page);
            IdlePageCount += _pool.OwnersOf(page) == 1 ? 1 : 0;
        }

        int first = snapshot[0];
        if (!states.IsEmpty)
        {
            NoteUse(first);
        }

        if (_pool.OwnersOf(first) == 1)
        {
            _uses[first].LastUsed = _clock.GetTimestamp();
            _uses[first].Order = ++_order;
            AddIdle(first);
        }
    }

    /// <summary>
    /// An owner has given a page back; one of layers that see everything, after all pages behind it. Does nothing for a page that is not
    /// kept.
    /// </summary>
    public void Returned(int page)
    {
        (int node, int group) = _forest.PlaceOf(page);
        if (node != None && _pool.OwnersOf(page) == 1)
        {
            IdlePageCount++;
            _uses[page].LastUsed = _clock.GetTimestamp();
            _uses[page].Order = ++_order;
            if (group >= _shape.WholeGroups)
            {
                AddIdle(page);
            }
            else if (group == 0)
            {
                AddIfIdleLeaf(node);
            }
        }
    }

    /// <summary>A sequence has given its pages back. What it kept need not have a page, if no row behind it sees one.</summary>
    public void Ended(PrefixChain chain)
    {
        if (chain.Kept > 0 && chain.NodeOf(chain.Kept - 1) is var (node, stamp) && _forest.StampOf(node) == stamp
            && _forest.IsNothing(node))
        {
            Remove(node);
        }
    }

    /// <summary>Gives up everything that a content took part in: it is gone for good, and no sequence holds it.</summary>
    public void Drop(UInt128 high, UInt128 low)
    {
        foreach (int leaf in _forest.LeavesOf(high, low))
        {
            GiveUp(leaf);
        }
    }

    /// <summary>Gives up everything idle.</summary>
    public void Clear()
    {
        while (IdlePageCount > 0)
        {
            GiveUpLeast();
        }
    }

    /// <summary>
    /// Every kept page, the page of its group that it continues (−1 for none, or where that is gone) and where its chain starts; for the
    /// invariants' validator.
    /// </summary>
    public ImmutableArray<(int Page, int Parent, PrefixOrigin Origin)> Snapshot() =>
    [
        .. _forest.Nodes.SelectMany(node => Enumerable.Range(0, _shape.Groups), (node, group) => (Node: node, Group: group))
            .Where(place => _forest.PageOf(place.Node, place.Group) != None)
            .Select(place => (
                _forest.PageOf(place.Node, place.Group),
                _forest.ParentOf(place.Node) is var parent and not None ? _forest.PageOf(parent, place.Group) : None,
                _forest.OriginOf(place.Node)!)),
        .. _forest.Nodes.Where(node => _snapshots?.Of(node) is not null)
            .SelectMany(node => _snapshots!.Of(node)!, (node, page) => (page, None, _forest.OriginOf(node)!)),
    ];

    /// <summary>The tokens of a kept page.</summary>
    public ReadOnlySpan<int> TokensOf(int page) => _forest.TokensOf(_forest.PlaceOf(page).Node);

    private ReadOnlySpan<int> Block(ReadOnlySpan<int> tokens, int block) => tokens.Slice(block * _pageTokens, _pageTokens);

    /// <summary>Keeps a sequence's page of a block, unless it has let it go, or an equal one is kept.</summary>
    private void KeepPage(int node, int group, int block, PageTable table)
    {
        int own = table.PageAt(group, block);
        int kept = _forest.PageOf(node, group);
        if (own == None || own == kept)
        {
            return;
        }

        if (kept != None)
        {
            table.Replace(group, block, kept);
            return;
        }

        _pool.Share(own);
        _forest.SetPage(node, group, own);
        _uses[own] = new PageUse { LastUsed = _clock.GetTimestamp(), Order = ++_order };
        Count++;
    }

    /// <summary>Frees an idle page.</summary>
    private void GiveUpPage(int node, int group)
    {
        int page = _forest.PageOf(node, group);
        if (_pool.OwnersOf(page) != 1)
        {
            throw new InvalidOperationException($"Page {page} is not idle.");
        }

        _idleLeaves.Remove(page);
        _forest.SetPage(node, group, None);
        _pool.Release(page);
        IdlePageCount--;
        Count--;
    }

    private void GiveUpSnapshot(int node)
    {
        int[] pages = _snapshots!.Of(node)!;
        if (_pool.OwnersOf(pages[0]) != 1)
        {
            throw new InvalidOperationException($"The states in page {pages[0]} are not idle.");
        }

        _idleLeaves.Remove(pages[0]);
        Count -= pages.Length;
        IdlePageCount -= pages.Length;
        _snapshots.GiveUp(node);
    }

    /// <summary>Takes a leaf out whose pages are idle, and frees them.</summary>
    private void GiveUp(int node)
    {
        if (!_forest.IsLeaf(node))
        {
            throw new InvalidOperationException($"Node {node} is not a leaf.");
        }

        for (int group = 0; group < _shape.Groups; group++)
        {
            if (_forest.PageOf(node, group) != None)
            {
                GiveUpPage(node, group);
            }
        }

        if (_snapshots?.Of(node) is not null)
        {
            GiveUpSnapshot(node);
        }

        Remove(node);
    }

    /// <summary>Takes a leaf out that has no pages, then what it continued, as far as nothing is left of it either.</summary>
    private void Remove(int leaf)
    {
        int parent = _forest.Remove(leaf);
        while (_forest.IsNothing(parent))
        {
            parent = _forest.Remove(parent);
        }

        if (parent != None && _shape.WholeGroups > 0 && _pool.OwnersOf(_forest.PageOf(parent, 0)) == 1)
        {
            AddIfIdleLeaf(parent);
        }
    }

    /// <summary>The first page of an idle leaf stands for all of its pages of layers that see everything.</summary>
    private void AddIfIdleLeaf(int node)
    {
        if (_forest.IsLeaf(node))
        {
            AddIdle(_forest.PageOf(node, 0));
        }
    }

    private void AddIdle(int page)
    {
        ref PageUse use = ref _uses[page];
        _idleLeaves.Add(page, use.Hits, use.LastUsed, use.Order);
    }

    private struct PageUse
    {
        public int Hits;
        public long LastUsed;

        /// <summary>Orders uses at the same time; ascends with time.</summary>
        public long Order;
    }
}
