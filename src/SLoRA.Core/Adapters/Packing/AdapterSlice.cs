using System.Collections.Immutable;
using SLoRA.Adapters.Intake;
using SLoRA.Models;
using SLoRA.Step;

namespace SLoRA.Adapters.Packing;

/// <summary>
/// What one shard has of a module's adapter, as S-LoRA cuts it: along the base's cut where that is, and along the rank or the outputs where
/// the base has none. Of a module that all shards compute, all have the adapter; of one expert, the shard that has the expert.
/// </summary>
/// <param name="A">Of A.</param>
/// <param name="B">Of B transposed.</param>
internal sealed record AdapterSlice(MatrixSlice A, MatrixSlice B)
{
    /// <summary>All of it, for one device.</summary>
    public static AdapterSlice Whole(AdapterModule module) => new(
        new MatrixSlice(Runs.Of(0, module.Rank), Runs.Of(0, module.Target.InFeatures))
        {
            Borders = MatrixSlice.InputBorders(module.Target.Partition, 0, 1),
        },
        new MatrixSlice(Runs.Of(0, module.Rank), Runs.Of(0, module.Target.OutFeatures)) { ColumnBorders = Borders(module.Target.Views) });

    /// <summary>What a shard has; null for nothing.</summary>
    public static AdapterSlice? Of(AdapterModule module, int shard, int shards)
    {
        TargetModule target = module.Target;
        if (target.Owner is { } owner)
        {
            return owner.IsOn(shard, shards) ? Whole(module) : null;
        }

        if (target.Partition is not { } partition)
        {
            return Whole(module);
        }

        Runs ranks = Runs.Of(0, module.Rank);
        Runs own = target.OnShard(shard, shards)!.Value;
        if (target.Kind == TargetKind.Embedding)
        {
            return new(new MatrixSlice(ranks, own), Outputs());
        }

        if (target.Views is { } views)
        {
            // Heads go through A both ways, so each shard needs all of it.
            return new(
                new MatrixSlice(ranks, Runs.Of(0, target.InFeatures)),
                new MatrixSlice(ranks, own) { ColumnBorders = Borders(views) });
        }

        if (partition.Axis == PartitionAxis.Rows)
        {
            (int rank, int endRank) = Shares.OfRanks(module.Rank, shard, shards);
            return new(
                new MatrixSlice(Runs.Of(rank, endRank - rank), Runs.Of(0, target.InFeatures)),
                new MatrixSlice(ranks, own));
        }

        return new(new MatrixSlice(ranks, own) { Borders = MatrixSlice.InputBorders(partition, shard, shards) }, Outputs());

        MatrixSlice Outputs() => new(ranks, MatrixSlice.ShareOf(target.OutFeatures, shard, shards));
    }

    /// <summary>The columns at which tiles must end, so that each head's keys and values are whole tiles.</summary>
    private static ImmutableArray<int> Borders(HeadViews? views) => views is null
        ? []
        :
        [
            .. Enumerable.Range(0, views.Heads).SelectMany(head =>
            {
                int first = head * (views.KeyColumns + views.ValueColumns);
                return new[] { first + views.KeyColumns, first + views.KeyColumns + views.ValueColumns };
            }),
        ];
}
