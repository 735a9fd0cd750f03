namespace SLoRA.Pool;

/// <summary>
/// Which kept block continues which: one tree per <see cref="PrefixOrigin"/>; where an adapter acts from a later token on, its blocks are
/// branches of the base's tree. A block is found by its hash and believed only when its parent, its origin and its tokens are equal. All
/// memory is taken at once. Belongs to the engine's thread.
/// </summary>
internal sealed class PrefixForest
{
    /// <summary>No node.</summary>
    public const int None = -1;

    private readonly NodeStore _nodes;
    private readonly Dictionary<UInt128, int> _byHash;
    private readonly Dictionary<PrefixOrigin, int> _roots = [];
    private long _stamp;

    // Blocks whose content begins to take part behind blocks of the base.
    private int _branches;

    /// <summary>An empty forest with room for as many blocks as a pool has pages.</summary>
    public PrefixForest(int pages, TableShape shape)
    {
        _nodes = new NodeStore(pages, shape);

        // For every page, so that it never grows within a step.
        _byHash = new Dictionary<UInt128, int>(pages);
    }

    /// <summary>Every node.</summary>
    public IEnumerable<int> Nodes => _byHash.Values;

    /// <summary>The node that has a hash.</summary>
    public bool TryGet(UInt128 hash, out int node) => _byHash.TryGetValue(hash, out node);

    /// <summary>Whether a node is what a hash stood for.</summary>
    public bool Holds(int node, int parent, PrefixOrigin origin, ReadOnlySpan<int> tokens) =>
        _nodes[node].Parent == parent && origin.Equals(_nodes[node].Origin) && tokens.SequenceEqual(_nodes.TokensOf(node));

    /// <summary>What a node continues; <see cref="None"/> for the beginning of a sequence.</summary>
    public int ParentOf(int node) => _nodes[node].Parent;

    /// <summary>When a node came; no two are equal.</summary>
    public long StampOf(int node) => _nodes[node].Stamp;

    /// <summary>What a node was computed with; null when there is no such node.</summary>
    public PrefixOrigin? OriginOf(int node) => _nodes[node].Origin;

    /// <summary>Whether nothing continues a node.</summary>
    public bool IsLeaf(int node) => _nodes[node].FirstChild == None;

    /// <summary>Whether nothing continues a node, and it has no page.</summary>
    public bool IsNothing(int node) => node != None && IsLeaf(node) && _nodes.IsEmpty(node);

    /// <inheritdoc cref="NodeStore.TokensOf"/>
    public ReadOnlySpan<int> TokensOf(int node) => _nodes.TokensOf(node);

    /// <inheritdoc cref="NodeStore.PageOf"/>
    public int PageOf(int node, int group) => _nodes.PageOf(node, group);

    /// <inheritdoc cref="NodeStore.PlaceOf"/>
    public (int Node, int Group) PlaceOf(int page) => _nodes.PlaceOf(page);

    /// <inheritdoc cref="NodeStore.SetPage"/>
    public void SetPage(int node, int group, int page) => _nodes.SetPage(node, group, page);

    /// <summary>
    /// The leaves, one after the other, of everything that a content took part in; the caller takes out what it is given.
    /// </summary>
    /// <param name="high">The content's hash.</param>
    /// <param name="low">The rest of it.</param>
    public IEnumerable<int> LeavesOf(UInt128 high, UInt128 low)
    {
        foreach (PrefixOrigin origin in _roots.Keys.Where(origin => origin.Contains(high, low)).ToArray())
        {
            while (_roots.TryGetValue(origin, out int root))
            {
                yield return LeafBehind(root);
            }
        }

        // Behind blocks of the base a content's own have no root.
        for (int node = 0; _branches > 0 && node < _nodes.Capacity; node++)
        {
            while (_nodes[node].Origin?.Contains(high, low) == true)
            {
                yield return LeafBehind(node);
            }
        }
    }

    /// <summary>Adds a block without pages.</summary>
    /// <returns>Its node; <see cref="None"/> when there is no place for one.</returns>
    public int Insert(int parent, PrefixOrigin origin, UInt128 hash, ReadOnlySpan<int> tokens)
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
            Stamp = ++_stamp,
        };
        if (next != None)
        {
            _nodes[next].Previous = node;
        }

        SetFirst(parent, origin, node);
        _branches += IsBranch(node, parent) ? 1 : 0;
        return node;
    }

    /// <summary>Takes a leaf out that has no pages.</summary>
    /// <returns>What it continued; <see cref="None"/> for nothing.</returns>
    public int Remove(int leaf)
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

    private int LeafBehind(int node)
    {
        while (!IsLeaf(node))
        {
            node = _nodes[node].FirstChild;
        }

        return node;
    }

    private bool IsBranch(int node, int parent) => parent != None && !ReferenceEquals(_nodes[node].Origin, _nodes[parent].Origin)
        && !_nodes[node].Origin!.Equals(_nodes[parent].Origin);

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
}
