using SLoRA.Adapters.Intake;
using SLoRA.Models;
using SLoRA.Step;

namespace SLoRA.Adapters.Packing;

/// <summary>
/// What one shard has of a module's adapter, as S-LoRA cuts it: along the base's cut where that is, and along the rank or the outputs where
/// the base has none, so that nothing is held twice.
/// </summary>
/// <param name="A">Of A.</param>
/// <param name="B">Of B transposed.</param>
internal readonly record struct AdapterSlice(MatrixSlice A, MatrixSlice B)
{
    /// <summary>All of it, for one device.</summary>
    public static AdapterSlice Whole(AdapterModule module) => new(
        new MatrixSlice(0, module.Rank, 0, module.Target.InFeatures) { Borders = InputBorders(module.Target.Partition, 0, 1) },
        new MatrixSlice(0, module.Rank, 0, module.Target.OutFeatures));

    /// <summary>What a shard has.</summary>
    /// <exception cref="InvalidOperationException">The module declares no partition.</exception>
    public static AdapterSlice Of(AdapterModule module, int shard, int shards)
    {
        Partition partition = module.Target.Partition
            ?? throw new InvalidOperationException($"{module.Target.Name} does not say how shards share it.");
        (int first, int end) = partition.Split.Of(shard, shards);
        if (module.Target.Kind == TargetKind.Embedding)
        {
            return new(new MatrixSlice(0, module.Rank, first, end - first), Outputs());
        }

        if (partition.Axis == PartitionAxis.Rows)
        {
            (int rank, int endRank) = Shares.OfRanks(module.Rank, shard, shards);
            return new(
                new MatrixSlice(rank, endRank - rank, 0, module.Target.InFeatures),
                new MatrixSlice(0, module.Rank, first, end - first));
        }

        int[] borders = InputBorders(partition, shard, shards);
        return new(new MatrixSlice(0, module.Rank, first, end - first) { Borders = borders }, Outputs());

        MatrixSlice Outputs()
        {
            (int column, int endColumn) = Shares.OfColumns(module.Target.OutFeatures, shard, shards);
            return new MatrixSlice(0, module.Rank, column, endColumn - column);
        }
    }

    private static int[] InputBorders(Partition? partition, int shard, int shards) =>
        partition is { Axis: PartitionAxis.Columns } inputs ? inputs.Split.BordersOf(shard, shards) : [];
}

/// <summary>Some rank rows of a matrix times some of its columns.</summary>
/// <param name="FirstRow">The first rank row.</param>
/// <param name="Rows">Rank rows.</param>
/// <param name="FirstColumn">The first column.</param>
/// <param name="Columns">Columns.</param>
internal readonly record struct MatrixSlice(int FirstRow, int Rows, int FirstColumn, int Columns)
{
    /// <summary>Where the leaves of the sums over the columns begin, counted in the slice; empty for one leaf.</summary>
    public int[] Borders { get => field ?? []; init; }

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
