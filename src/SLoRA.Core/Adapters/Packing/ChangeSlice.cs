using System.Collections.Immutable;
using SLoRA.Adapters.Intake;
using SLoRA.Models;
using SLoRA.Step;

namespace SLoRA.Adapters.Packing;

/// <summary>
/// What one shard has of what an adapter does to a module besides adding B A (<see cref="ModuleChange"/>): rows of the weight are cut as
/// the base's weight is, factor and offset as the outputs are where the shard adds deltas to them.
/// </summary>
/// <param name="Rows">Of the rows of the weight; null for none.</param>
/// <param name="Ids">Which rows of the weight they are, as the shard counts them; empty for all that the shard has.</param>
/// <param name="Outputs">Of factor and offset.</param>
internal sealed record ChangeSlice(MatrixSlice? Rows, ImmutableArray<int> Ids, MatrixSlice Outputs)
{
    /// <summary>All of it, for one device.</summary>
    public static ChangeSlice Whole(AdapterChange change) => Of(change, 0, 1);

    /// <summary>What a shard has.</summary>
    public static ChangeSlice Of(AdapterChange change, int shard, int shards)
    {
        TargetModule target = change.Target;
        Partition? partition = target.Partition;
        Runs columns = Runs.Of(0, WantedTensors.ColumnsOf(target));
        Runs rows = Runs.Of(0, WantedTensors.RowsOf(target));
        Runs outputs = Runs.Of(0, target.OutFeatures);
        int[] borders = [];
        if (target.Kind == TargetKind.Embedding && partition is not null)
        {
            rows = target.OnShard(shard, shards)!.Value;
            outputs = MatrixSlice.ShareOf(target.OutFeatures, shard, shards);
        }
        else if (partition is { Axis: PartitionAxis.Rows })
        {
            rows = outputs = target.OnShard(shard, shards)!.Value;
        }
        else if (target.Kind == TargetKind.Norm && partition is { } norm)
        {
            columns = outputs = norm.Of(shard, shards);
        }
        else if (partition is { } inputs)
        {
            columns = inputs.Of(shard, shards);
            borders = MatrixSlice.InputBorders(partition, shard, shards);
            outputs = MatrixSlice.ShareOf(target.OutFeatures, shard, shards);
        }

        ImmutableArray<int> ids = change.RowIds;
        if (!ids.IsEmpty)
        {
            ImmutableArray<int> places = [.. Enumerable.Range(0, ids.Length).Where(place => rows.Own(ids[place]) >= 0)];
            ids = [.. places.Select(place => rows.Own(ids[place]))];
            rows = Runs.Of(places.FirstOrDefault(), places.Length);
        }

        bool hasRows = change.HasRows && rows.Count > 0;
        return new ChangeSlice(
            hasRows ? new MatrixSlice(rows, columns) { Borders = borders } : null, ids, new MatrixSlice(Runs.Of(0, 1), outputs));
    }
}
