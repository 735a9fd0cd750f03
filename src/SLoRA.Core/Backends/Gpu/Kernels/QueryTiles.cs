namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>
/// How queries that read the same keys share tiles of 16: query heads of a key head, of as many rows as that leaves room for.
/// </summary>
internal readonly struct QuerySharing(int heads, int headBlocks, int rows, int tiles, int rowBlocks)
{
    /// <summary>Query heads of a key head in a tile.</summary>
    public readonly int Heads = heads;

    /// <summary>Tiles that have the query heads of a key head.</summary>
    public readonly int HeadBlocks = headBlocks;

    /// <summary>Rows of a tile.</summary>
    public readonly int Rows = rows;

    /// <summary>Tiles of a group that goes through a context: one for each warp, or for each pair of them.</summary>
    public readonly int Tiles = tiles;

    /// <summary>Groups that have the rows of a task.</summary>
    public readonly int RowBlocks = rowBlocks;
}

/// <summary>A tile of queries: heads from one on, of rows that follow one another; slot = row · heads of a tile + head.</summary>
/// <param name="row">The first row.</param>
/// <param name="rows">Rows; none where the tile is empty, and then the row is any.</param>
/// <param name="position">Position of the first row.</param>
/// <param name="head">The head of the first slot; it may lack the first ones.</param>
/// <param name="perRow">Slots of a row.</param>
/// <param name="lowHead">The first head.</param>
/// <param name="highHead">The end of the heads.</param>
internal readonly struct QueryTile(int row, int rows, int position, int head, int perRow, int lowHead, int highHead)
{
    private readonly int _row = row;
    private readonly int _rows = rows;
    private readonly int _position = position;
    private readonly int _head = head;
    private readonly int _perRow = perRow;
    private readonly int _lowHead = lowHead;
    private readonly int _highHead = highHead;

    /// <summary>Rows of a tile, the queries of heads from a block on.</summary>
    public static QueryTile Of(CacheShape cache, QuerySharing sharing, int keyHead, int headBlock, int row, int rows, int position)
    {
        int ofKey = (keyHead * cache.HeadsPerKey) - cache.FirstHead;
        int head = ofKey + (headBlock * sharing.Heads);
        int high = head + sharing.Heads;
        high = high < ofKey + cache.HeadsPerKey ? high : ofKey + cache.HeadsPerKey;
        high = high < cache.Heads ? high : cache.Heads;
        return new QueryTile(row, rows, position, head, sharing.Heads, head > 0 ? head : 0, high);
    }

    /// <summary>Whether any head is here.</summary>
    public bool HasHeads => _highHead > _lowHead;

    /// <summary>Whether a query is in a slot.</summary>
    public bool Has(int slot) => slot / _perRow < _rows && HeadOf(slot) >= _lowHead && HeadOf(slot) < _highHead;

    /// <summary>The row of a slot.</summary>
    public int RowOf(int slot) => _row + (slot / _perRow);

    /// <summary>The head of a slot.</summary>
    public int HeadOf(int slot) => _head + (slot % _perRow);

    /// <summary>The last position that the query of a slot sees.</summary>
    public int LastOf(int slot) => _position + (slot / _perRow);

    /// <summary>Where the query of a slot begins; that of another where there is none.</summary>
    public long QueryOf(int slot, CacheShape cache)
    {
        bool has = Has(slot);
        int row = has ? RowOf(slot) : _row;
        int head = has ? HeadOf(slot) : _lowHead;
        return ((long)row * cache.Width) + (head * cache.HeadDim);
    }
}

/// <summary>A lane's two queries, in slots g and g + 8: where they begin, and the positions that they see.</summary>
internal struct QueryPair
{
    public long Upper;
    public long Lower;
    public bool HasUpper;
    public bool HasLower;
    public int UpperFirst;
    public int UpperLast;
    public int LowerFirst;
    public int LowerLast;

    /// <summary>Whether the query of slot g sees a position.</summary>
    public readonly bool UpperSees(int position) => position >= UpperFirst && position <= UpperLast;

    /// <summary>Whether that of slot g + 8 does.</summary>
    public readonly bool LowerSees(int position) => position >= LowerFirst && position <= LowerLast;

    /// <summary>The queries of a lane.</summary>
    public static QueryPair Of(QueryTile tile, AttentionShape shape, int slot)
    {
        QueryPair pair;
        pair.HasUpper = tile.Has(slot);
        pair.HasLower = tile.Has(slot + 8);
        pair.Upper = tile.QueryOf(slot, shape.Cache);
        pair.Lower = tile.QueryOf(slot + 8, shape.Cache);
        int upper = tile.LastOf(slot);
        int lower = tile.LastOf(slot + 8);

        // Queries that are not there see nothing.
        pair.UpperFirst = shape.FirstOf(upper);
        pair.LowerFirst = shape.FirstOf(lower);
        pair.UpperLast = pair.HasUpper ? upper : -1;
        pair.LowerLast = pair.HasLower ? lower : -1;
        return pair;
    }
}
