using System.Collections.Immutable;

namespace SLoRA.Pool;

/// <summary>
/// Full pages of keys and values that later sequences can share: a forest, one tree per <see cref="PrefixOrigin"/>, a node per page; where
/// an adapter acts from a later token on, its pages are branches of the base's tree. A node
/// is found by its hash and believed only when its parent, its origin and its tokens are equal. The cache is one owner of each page it
/// keeps; a page that has no other is idle, and leaves go before what they continue. A sequence that owns a page owns all pages before it,
/// so what lies behind an idle page is idle too. Allocates nothing per page. Belongs to the engine's thread.
/// </summary>
internal sealed class PrefixCache : IIdlePages
{
    private const int None = -1;

    private readonly PagePool _pool;
    private readonly TimeProvider _clock;
    private readonly int _pageTokens;
    private readonly PageHash _hash;
    private readonly Node[] _nodes;
    private readonly int[] _tokens;
    private readonly Dictionary<UInt128, int> _byHash;
    private readonly Dictionary<PrefixOrigin, int> _roots = [];
    private readonly IdleLeaves _idleLeaves;
    private long _order;

    // Kept pages whose content begins to take part behind pages of the base.
    private int _branches;

    /// <summary>An empty cache over a pool.</summary>
    /// <param name="pool">The pool.</param>
    /// <param name="pageTokens">Tokens of a page.</param>
    /// <param name="clock">Tells how long ago a page was used.</param>
    /// <param name="hash">How pages are hashed; null for SHA-256.</param>
    public PrefixCache(PagePool pool, int pageTokens, TimeProvider clock, PageHash? hash = null)
    {
        _pool = pool;
        _clock = clock;
        _pageTokens = pageTokens;
        _hash = hash ?? PrefixChain.Sha256;
        _nodes = new Node[pool.Total];

        // For every page, so that it never grows within a step.
        _byHash = new Dictionary<UInt128, int>(pool.Total);
        _tokens = new int[checked(pool.Total * pageTokens)];
        _idleLeaves = new IdleLeaves(pool.Total, pageTokens, clock);
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
    public void GiveUpLeast() => GiveUp(_idleLeaves.Least(out _));

    /// <summary>An empty chain for a sequence.</summary>
    public PrefixChain NewChain(PrefixOrigin origin, int pageLimit) => new(origin, _pageTokens, pageLimit, _hash);

    /// <summary>Adds an owner to the longest run of leading pages that hold these tokens.</summary>
    /// <param name="chain">The sequence's chain; nothing of it is kept yet.</param>
    /// <param name="tokens">The sequence's tokens.</param>
    /// <param name="pages">Receives the pages, at most as many as it is long.</param>
    /// <returns>How many pages it received.</returns>
    public int Take(PrefixChain chain, ReadOnlySpan<int> tokens, Span<int> pages)
    {
        int taken = 0;
        for (; taken < pages.Length; taken++)
        {
            int parent = taken == 0 ? None : pages[taken - 1];
            if (!_byHash.TryGetValue(chain.HashOf(taken, tokens), out int page)
                || !Holds(page, parent, chain.OriginOf(taken), Page(tokens, taken)))
            {
                break;
            }

            Own(page);
            pages[taken] = page;
        }

        chain.Kept = taken;
        return taken;
    }

    /// <summary>How many pages <see cref="Take"/> would give now.</summary>
    /// <param name="chain">The sequence's chain.</param>
    /// <param name="tokens">The sequence's tokens.</param>
    /// <param name="most">The most pages to look for.</param>
    public int Find(PrefixChain chain, ReadOnlySpan<int> tokens, int most)
    {
        int found = 0;
        for (int parent = None; found < most; found++)
        {
            if (!_byHash.TryGetValue(chain.HashOf(found, tokens), out int page)
                || !Holds(page, parent, chain.Origin, Page(tokens, found)))
            {
                break;
            }

            parent = page;
        }

        return found;
    }

    /// <summary>Notes that a sequence has been admitted with what <see cref="Take"/> gave it.</summary>
    /// <param name="tokens">Tokens that were looked for.</param>
    /// <param name="pages">The pages that it was given.</param>
    public void Admitted(int tokens, ReadOnlySpan<int> pages)
    {
        _order++;
        long now = _clock.GetTimestamp();
        Counters = new PrefixCounters(Counters.Lookups + 1, Counters.Hits + (pages.IsEmpty ? 0 : 1), Counters.LookupTokens
            + tokens, Counters.HitTokens + (pages.Length * _pageTokens));
        foreach (int page in pages)
        {
            _nodes[page].Hits++;
            _nodes[page].LastUsed = now;
            _nodes[page].Order = _order;
        }
    }

    /// <summary>
    /// Keeps the pages of a sequence that are full and computed. Where an equal page is kept already, the sequence gets that one and its
    /// own is returned: equal tokens of equal origin have equal keys and values.
    /// </summary>
    /// <param name="chain">The sequence's chain.</param>
    /// <param name="tokens">The sequence's computed tokens.</param>
    /// <param name="pages">The sequence's pages.</param>
    public void Keep(PrefixChain chain, ReadOnlySpan<int> tokens, Span<int> pages)
    {
        for (int full = tokens.Length / _pageTokens; chain.Kept < full && !chain.IsClosed;)
        {
            int at = chain.Kept;
            int parent = at == 0 ? None : pages[at - 1];
            UInt128 hash = chain.HashOf(at, tokens);
            if (!_byHash.TryGetValue(hash, out int kept))
            {
                Insert(pages[at], parent, chain.OriginOf(at), hash, Page(tokens, at));
            }
            else if (!Holds(kept, parent, chain.OriginOf(at), Page(tokens, at)))
            {
                chain.IsClosed = true;
                return;
            }
            else if (kept != pages[at])
            {
                Own(kept);
                _pool.Release(pages[at]);
                pages[at] = kept;
            }

            chain.Kept++;
        }
    }

    /// <summary>Whether a page is one of those that are kept.</summary>
    public bool Keeps(int page) => _nodes[page].Origin is not null;

    /// <summary>An owner has given a page back, after all pages behind it. Does nothing for a page that is not kept.</summary>
    public void Returned(int page)
    {
        ref Node node = ref _nodes[page];
        if (node.Origin is not null && _pool.OwnersOf(page) == 1)
        {
            IdlePageCount++;
            node.LastUsed = _clock.GetTimestamp();
            node.Order = ++_order;
            AddIfIdleLeaf(page);
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
            while (_roots.TryGetValue(origin, out int page))
            {
                GiveUp(LeafOf(page));
            }
        }

        // Behind pages of the base a content's own have no root.
        for (int page = 0; _branches > 0 && page < _nodes.Length; page++)
        {
            while (_nodes[page].Origin?.Contains(high, low) == true)
            {
                GiveUp(LeafOf(page));
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
    /// Every kept page, the page that it continues (−1 for none) and where its chain starts; for the invariants' validator.
    /// </summary>
    public ImmutableArray<(int Page, int Parent, PrefixOrigin Origin)> Snapshot() =>
        [.. _byHash.Values.Select(page => (page, _nodes[page].Parent, _nodes[page].Origin!))];

    /// <summary>The tokens of a kept page.</summary>
    public ReadOnlySpan<int> TokensOf(int page) => Page(_tokens, page);

    private int LeafOf(int page)
    {
        while (_nodes[page].FirstChild != None)
        {
            page = _nodes[page].FirstChild;
        }

        return page;
    }

    private bool IsBranch(int page, int parent) => parent != None && !ReferenceEquals(_nodes[page].Origin, _nodes[parent].Origin)
        && !_nodes[page].Origin!.Equals(_nodes[parent].Origin);

    private ReadOnlySpan<int> Page(ReadOnlySpan<int> tokens, int page) => tokens.Slice(page * _pageTokens, _pageTokens);

    private bool Holds(int page, int parent, PrefixOrigin origin, ReadOnlySpan<int> tokens) =>
        _nodes[page].Parent == parent && origin.Equals(_nodes[page].Origin) && tokens.SequenceEqual(Page(_tokens, page));

    /// <summary>Adds a sequence to the owners of a page.</summary>
    private void Own(int page)
    {
        if (_pool.OwnersOf(page) == 1)
        {
            IdlePageCount--;
            _idleLeaves.Remove(page);
        }

        _pool.Share(page);
    }

    private void Insert(int page, int parent, PrefixOrigin origin, UInt128 hash, ReadOnlySpan<int> tokens)
    {
        _pool.Share(page);
        tokens.CopyTo(_tokens.AsSpan(page * _pageTokens));
        _byHash.Add(hash, page);
        int next = parent != None ? _nodes[parent].FirstChild : _roots.GetValueOrDefault(origin, None);
        _nodes[page] = new Node
        {
            Origin = origin,
            Hash = hash,
            Parent = parent,
            FirstChild = None,
            Next = next,
            Previous = None,
            LastUsed = _clock.GetTimestamp(),
            Order = ++_order
        };
        if (next != None)
        {
            _nodes[next].Previous = page;
        }

        SetFirst(parent, origin, page);
        _branches += IsBranch(page, parent) ? 1 : 0;
        Count++;
    }

    /// <summary>Takes an idle leaf out and frees its page.</summary>
    private void GiveUp(int page)
    {
        _idleLeaves.Remove(page);
        Node node = _nodes[page];
        if (_pool.OwnersOf(page) != 1 || node.FirstChild != None)
        {
            throw new InvalidOperationException($"Page {page} is not an idle leaf.");
        }

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

        _branches -= IsBranch(page, node.Parent) ? 1 : 0;
        _byHash.Remove(node.Hash);
        _nodes[page] = default;
        _pool.Release(page);
        IdlePageCount--;
        Count--;
        if (node.Parent != None && _pool.OwnersOf(node.Parent) == 1)
        {
            AddIfIdleLeaf(node.Parent);
        }
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

    private void AddIfIdleLeaf(int page)
    {
        ref Node node = ref _nodes[page];
        if (node.FirstChild == None)
        {
            _idleLeaves.Add(page, node.Hits, node.LastUsed, node.Order);
        }
    }

    private struct Node
    {
        /// <summary>Null when the page is not kept.</summary>
        public PrefixOrigin? Origin;
        public UInt128 Hash;
        public int Parent;
        public int FirstChild;
        public int Next;
        public int Previous;
        public int Hits;
        public long LastUsed;

        /// <summary>Orders uses at the same time; ascends with time.</summary>
        public long Order;
    }
}
