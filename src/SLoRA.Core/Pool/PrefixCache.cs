using System.Collections.Immutable;

namespace SLoRA.Pool;

/// <summary>
/// Full blocks of keys and values that later sequences can share: a forest, one tree per <see cref="PrefixOrigin"/>, a node per block with
/// a page of each group of layers; where an adapter acts from a later token on, its blocks are branches of the base's tree. A node is found
/// by its hash and believed only when its parent, its origin and its tokens are equal. The cache is one owner of each page it keeps; a page
/// that has no other is idle.
/// <para>Layers that see everything: a sequence that owns a page owns all pages before it, so what lies behind an idle page is idle too,
/// and leaves go before what they continue. Layers that see the last positions only: each idle page can go by itself, and a node is of use
/// as long as the pages that a row behind it sees are there.</para>
/// Allocates nothing per page. Belongs to the engine's thread.
/// </summary>
internal sealed class PrefixCache : IIdlePages
{
    private const int None = -1;

    private readonly PagePool _pool;
    private readonly TimeProvider _clock;
    private readonly TableShape _shape;
    private readonly int _pageTokens;
    private readonly PageHash _hash;
    private readonly NodeStore _nodes;
    private readonly PageUse[] _uses;
    private readonly Dictionary<UInt128, int> _byHash;
    private readonly Dictionary<PrefixOrigin, int> _roots = [];
    private readonly IdleLeaves _idleLeaves;
    private readonly int[] _gone;
    private readonly StateSnapshots? _snapshots;
    private long _order;

    // Kept blocks whose content begins to take part behind blocks of the base.
    private int _branches;

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
        _nodes = new NodeStore(pool.Total, shape);
        _uses = new PageUse[pool.Total];

        // For every page, so that it never grows within a step.
        _byHash = new Dictionary<UInt128, int>(pool.Total);
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
        (int node, int group) = _nodes.PlaceOf(page);
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
            if (IsNothing(node))
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
            if (!_byHash.TryGetValue(chain.HashOf(block, tokens), out int node)
                || !Holds(node, parent, chain.OriginOf(block), Block(tokens, block)))
            {
                break;
            }

            chain.NodeOf(block) = (node, _nodes[node].Stamp);
            parent = node;
            bool isUsable = _snapshots is null || _snapshots.Of(node) is not null;
            chain.Matched = block + 1;
            for (int group = _shape.WholeGroups; group < _shape.Groups; group++)
            {
                _gone[group] = _nodes.PageOf(node, group) == None ? block : _gone[group];
                isUsable &= _gone[group] < _shape.FirstBlock(group, (block + 1) * _pageTokens);
            }

            usable = isUsable ? block + 1 : usable;
        }

        return usable;
    }

    /// <summary>The page that a block of a chain has for a group of layers; negative when it is gone.</summary>
    public int PageOf(PrefixChain chain, int block, int group) => _nodes.PageOf(chain.NodeOf(block).Node, group);

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
            if (parent != None && _nodes[parent].Stamp != stamp)
            {
                chain.IsClosed = true;
                return;
            }
            else if (!_byHash.TryGetValue(hash, out node))
            {
                node = Insert(parent, chain.OriginOf(at), hash, Block(tokens, at));
            }
            else if (!Holds(node, parent, chain.OriginOf(at), Block(tokens, at)))
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

            chain.NodeOf(at) = (node, _nodes[node].Stamp);
            chain.Kept++;
        }
    }

    /// <summary>Whether a page is one of those that are kept.</summary>
    public bool Keeps(int page) => _nodes.PlaceOf(page).Node != None;

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
        _snapshots!.BringBack(snapshot, states);
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
        (int node, int group) = _nodes.PlaceOf(page);
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
        if (chain.Kept > 0 && chain.NodeOf(chain.Kept - 1) is var (node, stamp) && _nodes[node].Stamp == stamp && IsNothing(node))
        {
            Remove(node);
        }
    }

    /// <summary>Gives up everything that a content took part in: it is gone for good, and no sequence holds it.</summary>
    public void Drop(UInt128 high, UInt128 low)
    {
        if (_roots.Count == 0)
        {
            return;
        }

        foreach (PrefixOrigin origin in _roots.Keys.Where(origin => origin.Contains(high, low)).ToArray())
        {
            while (_roots.TryGetValue(origin, out int node))
            {
                GiveUp(LeafOf(node));
            }
        }

        // Behind blocks of the base a content's own have no root.
        for (int node = 0; _branches > 0 && node < _nodes.Capacity; node++)
        {
            while (_nodes[node].Origin?.Contains(high, low) == true)
            {
                GiveUp(LeafOf(node));
            }
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
        .. _byHash.Values.SelectMany(node => Enumerable.Range(0, _shape.Groups), (node, group) => (Node: node, Group: group))
            .Where(place => _nodes.PageOf(place.Node, place.Group) != None)
            .Select(place => (
                _nodes.PageOf(place.Node, place.Group),
                _nodes[place.Node].Parent is var parent and not None ? _nodes.PageOf(parent, place.Group) : None,
                _nodes[place.Node].Origin!)),
        .. _byHash.Values.Where(node => _snapshots?.Of(node) is not null)
            .SelectMany(node => _snapshots!.Of(node)!, (node, page) => (page, None, _nodes[node].Origin!)),
    ];

    /// <summary>The tokens of a kept page.</summary>
    public ReadOnlySpan<int> TokensOf(int page) => _nodes.TokensOf(_nodes.PlaceOf(page).Node);

    private int LeafOf(int node)
    {
        while (_nodes[node].FirstChild != None)
        {
            node = _nodes[node].FirstChild;
        }

        return node;
    }

    private bool IsBranch(int node, int parent) => parent != None && !ReferenceEquals(_nodes[node].Origin, _nodes[parent].Origin)
        && !_nodes[node].Origin!.Equals(_nodes[parent].Origin);

    private ReadOnlySpan<int> Block(ReadOnlySpan<int> tokens, int block) => tokens.Slice(block * _pageTokens, _pageTokens);

    private bool Holds(int node, int parent, PrefixOrigin origin, ReadOnlySpan<int> tokens) =>
        _nodes[node].Parent == parent && origin.Equals(_nodes[node].Origin) && tokens.SequenceEqual(_nodes.TokensOf(node));

    /// <summary>Keeps a sequence's page of a block, unless it has let it go, or an equal one is kept.</summary>
    private void KeepPage(int node, int group, int block, PageTable table)
    {
        int own = table.PageAt(group, block);
        int kept = _nodes.PageOf(node, group);
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
        _nodes.SetPage(node, group, own);
        _uses[own] = new PageUse { LastUsed = _clock.GetTimestamp(), Order = ++_order };
        Count++;
    }

    /// <returns>A node without pages; −1 when there is no place for one.</returns>
    private int Insert(int parent, PrefixOrigin origin, UInt128 hash, ReadOnlySpan<int> tokens)
    {
        int node = _nodes.Take();
        if (node == None)
        {
            return None;
        }

        tokens.CopyTo(_nodes.TokensOf(node));
        _byHash.Add(hash, node);
        int next = parent != None ? _nodes[parent].FirstChild : _roots.GetValueOrDefault(origin, None);
        _nodes[node] = new PrefixNode
        {
            Origin = origin,
            Hash = hash,
            Parent = parent,
            FirstChild = None,
            Next = next,
            Previous = None,
            Stamp = ++_order,
        };
        if (next != None)
        {
            _nodes[next].Previous = node;
        }

        SetFirst(parent, origin, node);
        _branches += IsBranch(node, parent) ? 1 : 0;
        return node;
    }

    /// <summary>Frees an idle page.</summary>
    private void GiveUpPage(int node, int group)
    {
        int page = _nodes.PageOf(node, group);
        if (_pool.OwnersOf(page) != 1)
        {
            throw new InvalidOperationException($"Page {page} is not idle.");
        }

        _idleLeaves.Remove(page);
        _nodes.SetPage(node, group, None);
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
        if (_nodes[node].FirstChild != None)
        {
            throw new InvalidOperationException($"Node {node} is not a leaf.");
        }

        for (int group = 0; group < _shape.Groups; group++)
        {
            if (_nodes.PageOf(node, group) != None)
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
        int parent = Unlink(leaf);
        while (IsNothing(parent))
        {
            parent = Unlink(parent);
        }

        if (parent != None && _shape.WholeGroups > 0 && _pool.OwnersOf(_nodes.PageOf(parent, 0)) == 1)
        {
            AddIfIdleLeaf(parent);
        }
    }

    /// <summary>Whether nobody goes on from a block, and nothing is kept of it.</summary>
    private bool IsNothing(int node) => node != None && _nodes[node].FirstChild == None && _nodes.IsEmpty(node);

    /// <returns>What the leaf continued; −1 for nothing.</returns>
    private int Unlink(int leaf)
    {
        PrefixNode node = _nodes[leaf];
        if (node.Next != None)
        {
            _nodes[node.Next].Previous = node.Previous;
        }

        if (node.Previous != None)
        {
            _nodes[node.Previous].Next = node.Next;
        }
        else
        {
            SetFirst(node.Parent, node.Origin!, node.Next);
        }

        _branches -= IsBranch(leaf, node.Parent) ? 1 : 0;
        _byHash.Remove(node.Hash);
        _nodes.Return(leaf);
        return node.Parent;
    }

    private void SetFirst(int parent, PrefixOrigin origin, int first)
    {
        if (parent != None)
        {
            _nodes[parent].FirstChild = first;
        }
        else if (first != None)
        {
            _roots[origin] = first;
        }
        else
        {
            _roots.Remove(origin);
        }
    }

    /// <summary>The first page of an idle leaf stands for all of its pages of layers that see everything.</summary>
    private void AddIfIdleLeaf(int node)
    {
        if (_nodes[node].FirstChild == None)
        {
            AddIdle(_nodes.PageOf(node, 0));
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
