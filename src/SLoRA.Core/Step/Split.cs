namespace SLoRA.Step;

/// <summary>
/// How one dimension of the weights is cut over shards. Its units, heads or runs of columns, are never cut; they form
/// <see cref="Leaves"/> of about equal size, a power of two that depends on the shape alone, and each of N shards has as many consecutive
/// leaves. A sum over the dimension is added leaf by leaf and the leaves as a balanced tree, on one shard as on many: a shard's leaves are
/// a whole branch of the tree, so the number of shards changes no bit.
/// </summary>
internal readonly record struct Split
{
    /// <summary>The most leaves, and so the most shards.</summary>
    public const int LargestLeaves = 8;

    // A leaf of fewer columns would cost products more than the threads of many shards could bring.
    private const int ColumnsForMostLeaves = 4096;
    private const int ExpertsForMostLeaves = 64;
    private const int LargestUnit = 64;

    private Split(int units, int unitColumns, int columns, int shared)
    {
        Units = units;
        UnitColumns = unitColumns;
        Columns = columns;
        Shared = shared;
        int leaves = columns / shared >= ColumnsForMostLeaves ? LargestLeaves : LargestLeaves / 2;
        while (leaves > Units)
        {
            leaves /= 2;
        }

        Leaves = leaves;
    }

    /// <summary>What is not cut.</summary>
    public int Units { get; }

    /// <summary>Columns of a unit; the last one may have fewer.</summary>
    public int UnitColumns { get; }

    /// <summary>Columns of all units together.</summary>
    public int Columns { get; }

    /// <summary>Units that share their columns: query heads that read one key head; else 1.</summary>
    public int Shared { get; private init; }

    /// <summary>Leaves: 1, 2, 4 or 8.</summary>
    public int Leaves { get; private init; }

    /// <summary>Heads side by side.</summary>
    public static Split OfHeads(int heads, int headDim) => new(heads, headDim, heads * headDim, 1);

    /// <summary>
    /// The key or value heads of an attention, cut where its query heads are: a head that query heads of two shards read is on both.
    /// </summary>
    public static Split OfKeys(GroupedAttention attention)
    {
        Split queries = OfHeads(attention.Heads, attention.HeadDim);
        int shared = attention.Heads / attention.KeyValueHeads;
        return new Split(attention.Heads, attention.HeadDim, attention.KeyColumns, 1) { Shared = shared, Leaves = queries.Leaves };
    }

    /// <summary>Columns, or rows, that can be cut anywhere: at multiples of 64 where there are enough of them, of at least 2.</summary>
    public static Split OfColumns(int columns)
    {
        int unit = LargestUnit;
        while (unit > 2 && columns / unit < LargestLeaves / 2)
        {
            unit /= 2;
        }

        return new Split((columns + unit - 1) / unit, unit, columns, 1);
    }

    /// <summary>
    /// Experts, of which each shard has some whole. What rows get of several is added leaf by leaf too: experts of a leaf in the order of
    /// the row's choice.
    /// </summary>
    public static Split OfExperts(int experts)
    {
        var split = new Split(experts, 1, experts, 1);
        return experts >= ExpertsForMostLeaves ? split with { Leaves = LargestLeaves } : split;
    }

    /// <summary>The same units with another number of columns: what a shard has of them does not change.</summary>
    public Split With(int unitColumns) =>
        new(Units, unitColumns, Columns / UnitColumns * unitColumns, 1) { Shared = Shared, Leaves = Leaves };

    /// <summary>Whether so many shards can share the leaves.</summary>
    public bool Serves(int shards) => shards <= Leaves && Leaves % shards == 0;

    /// <summary>Columns [first, end) of a shard.</summary>
    public (int First, int End) Of(int shard, int shards) => Between(shard * Leaves / shards, (shard + 1) * Leaves / shards);

    /// <summary>Columns of a shard.</summary>
    public int ColumnsOf(int shard, int shards)
    {
        (int first, int end) = Of(shard, shards);
        return end - first;
    }

    /// <summary>Units [first, end) of a shard.</summary>
    public (int First, int End) UnitsOf(int shard, int shards) =>
        (FirstUnit(shard * Leaves / shards), FirstUnit((shard + 1) * Leaves / shards));

    /// <summary>Where a shard's leaves begin and the last ends, from its own first column on.</summary>
    public int[] BordersOf(int shard, int shards)
    {
        int first = shard * Leaves / shards;
        int end = (shard + 1) * Leaves / shards;
        int origin = Between(first, end).First;
        var borders = new int[end - first + 1];
        for (int leaf = first; leaf < end; leaf++)
        {
            (int begin, borders[leaf - first + 1]) = Between(leaf, leaf + 1);
            borders[leaf - first] = begin - origin;
            borders[leaf - first + 1] -= origin;
        }

        return borders;
    }

    /// <summary>The leaf that has a unit.</summary>
    public int LeafOf(int unit)
    {
        int leaf = 0;
        while (FirstUnit(leaf + 1) <= unit)
        {
            leaf++;
        }

        return leaf;
    }

    private int FirstUnit(int leaf) => (int)((long)Units * leaf / Leaves);

    private (int First, int End) Between(int leaf, int endLeaf)
    {
        int first = FirstUnit(leaf) / Shared * UnitColumns;
        int end = (FirstUnit(endLeaf) + Shared - 1) / Shared * UnitColumns;
        return (first, Math.Min(Columns, end));
    }
}
