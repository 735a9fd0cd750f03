using System.Collections.Immutable;
using SLoRA.Step;

namespace SLoRA.Adapters.Packing;

/// <summary>Some rank rows of a matrix times some of its columns.</summary>
/// <param name="Rows">The rank rows.</param>
/// <param name="Columns">The columns.</param>
internal sealed record MatrixSlice(Runs Rows, Runs Columns)
{
    /// <summary>Where the leaves of the sums over the columns begin, counted in the slice; empty for one leaf.</summary>
    public int[] Borders { get; init; } = [];

    /// <summary>Columns at which tiles must end, ascending, counted in the slice; empty for none.</summary>
    public ImmutableArray<int> ColumnBorders { get; init; } = Columns.All.Length > 1 ? Columns.Ends : [];

    /// <summary>A vector of so many columns, or a matrix of so many rows: all of it.</summary>
    public static MatrixSlice Whole(int rows, int columns) => new(Runs.Of(0, rows), Runs.Of(0, columns));

    /// <summary>The columns of a shard where the base has no cut.</summary>
    public static Runs ShareOf(int columns, int shard, int shards)
    {
        (int first, int end) = Shares.OfColumns(columns, shard, shards);
        return Runs.Of(first, end - first);
    }

    /// <summary>Where the leaves of the sums over a shard's inputs of a module begin.</summary>
    public static int[] InputBorders(Partition? partition, int shard, int shards) =>
        partition is { Axis: PartitionAxis.Columns } inputs ? inputs.Split.BordersOf(shard, shards) : [];

    /// <summary>The last column at or before one where a span may end: whole spans behind the start of its leaf.</summary>
    public int WholeSpans(int end)
    {
        int leaf = 0;
        foreach (int border in Borders)
        {
            leaf = border <= end ? border : leaf;
        }

        return leaf + ((end - leaf) / TilePlanner.SpanColumns * TilePlanner.SpanColumns);
    }
}
