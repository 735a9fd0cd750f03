namespace SLoRA.Pool;

/// <summary>One kept block: where it stands in the forest of <see cref="PrefixCache"/>.</summary>
internal struct PrefixNode
{
    /// <summary>Null when there is no block.</summary>
    public PrefixOrigin? Origin;
    public UInt128 Hash;
    public int Parent;
    public int FirstChild;
    public int Next;
    public int Previous;

    /// <summary>When it came; no two are equal.</summary>
    public long Stamp;
}

/// <summary>
/// The memory of a <see cref="PrefixCache"/>: nodes with their tokens and pages, all of it allocated at once. Belongs to the engine's
/// thread.
/// </summary>
internal sealed class NodeStore
{
    private const int None = -1;

    private readonly int _groups;
    private readonly int _pageTokens;
    private readonly PrefixNode[] _nodes;
    private readonly int[] _tokens;
    private readonly int[] _pages;
    private readonly int[] _placeOf;
    private readonly int[] _free;
    private int _freeCount;

    /// <summary>Room for as many blocks as the pages of a pool can be, with one page each.</summary>
    public NodeStore(int pages, TableShape shape)
    {
        _groups = shape.Groups;
        _pageTokens = shape.PageTokens;
        _nodes = new PrefixNode[pages];
        _tokens = new int[checked(pages * shape.PageTokens)];
        _pages = new int[checked(pages * shape.Groups)];
        _pages.AsSpan().Fill(None);
        _placeOf = new int[pages];
        _placeOf.AsSpan().Fill(None);
        _free = new int[pages];
        _freeCount = pages;
        for (int i = 0; i < pages; i++)
        {
            _free[i] = pages - 1 - i;
        }
    }

    /// <summary>Nodes that there can be.</summary>
    public int Capacity => _nodes.Length;

    /// <summary>A node.</summary>
    public ref PrefixNode this[int node] => ref _nodes[node];

    /// <summary>The tokens of a node.</summary>
    public Span<int> TokensOf(int node) => _tokens.AsSpan(node * _pageTokens, _pageTokens);

    /// <summary>The page of a node for a group of layers; −1 for none.</summary>
    public int PageOf(int node, int group) => _pages[(node * _groups) + group];

    /// <summary>Which node's page it is, and for which group; −1 for none's.</summary>
    public (int Node, int Group) PlaceOf(int page) =>
        _placeOf[page] == None ? (None, 0) : (_placeOf[page] / _groups, _placeOf[page] % _groups);

    /// <summary>Gives a node a page, or takes it away.</summary>
    public void SetPage(int node, int group, int page)
    {
        int place = (node * _groups) + group;
        if (page == None)
        {
            _placeOf[_pages[place]] = None;
        }
        else
        {
            _placeOf[page] = place;
        }

        _pages[place] = page;
    }

    /// <summary>Whether a node has no page.</summary>
    public bool IsEmpty(int node) => !_pages.AsSpan(node * _groups, _groups).ContainsAnyExcept(None);

    /// <summary>A place for a node; −1 when all are taken.</summary>
    public int Take() => _freeCount == 0 ? None : _free[--_freeCount];

    /// <summary>Gives a node's place back; it has no pages.</summary>
    public void Return(int node)
    {
        _nodes[node] = default;
        _free[_freeCount++] = node;
    }
}
