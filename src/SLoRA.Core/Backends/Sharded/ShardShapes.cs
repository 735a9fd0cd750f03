using System.Collections.Immutable;
using SLoRA.Step;

namespace SLoRA.Backends.Sharded;

/// <summary>
/// What each shard has of a group of products, an attention, a convolution, a recurrence: made when it is first asked for, so that steps
/// find it.
/// </summary>
/// <param name="shards">Shards.</param>
internal sealed class ShardShapes(int shards)
{
    private readonly Dictionary<LinearGroup, LinearGroup[]> _groups = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<GroupedAttention, GroupedAttention[]> _attentions = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<LatentAttention, LatentAttention[]> _latents = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<ExpertLinear, ExpertLinear[]> _experts = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<ShortConvolution, ShortConvolution[]> _convolutions = new(ReferenceEqualityComparer.Instance);

    private readonly Dictionary<LoadedRecurrence, LoadedRecurrence[]> _recurrences = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<(ImmutableArray<ColumnRun>, ShardedRows, ShardedRows), ImmutableArray<ColumnRun>[]> _runs = [];

    /// <summary>Of a group of products.</summary>
    /// <param name="group">The group.</param>
    /// <param name="x">Its input.</param>
    /// <param name="y">Where its outputs go; further columns may lie behind them.</param>
    public LinearGroup[] Of(LinearGroup group, ShardedRows x, ShardedRows y) =>
        _groups.TryGetValue(group, out LinearGroup[]? known) ? known : Cut(group, x, y);

    /// <summary>Of an attention.</summary>
    public GroupedAttention[] Of(GroupedAttention attention) =>
        _attentions.TryGetValue(attention, out GroupedAttention[]? known) ? known : Cut(attention);

    /// <summary>Of an attention over latents.</summary>
    public LatentAttention[] Of(LatentAttention attention) =>
        _latents.TryGetValue(attention, out LatentAttention[]? known) ? known : Cut(attention);

    /// <summary>Of a product of experts: whole experts.</summary>
    public ExpertLinear[] Of(ExpertLinear linear) => _experts.TryGetValue(linear, out ExpertLinear[]? known) ? known : Cut(linear);

    /// <summary>Of a convolution: some of its channels.</summary>
    public ShortConvolution[] Of(ShortConvolution convolution) =>
        _convolutions.TryGetValue(convolution, out ShortConvolution[]? known) ? known : Cut(convolution);

    /// <summary>Of a recurrence: all of it.</summary>
    public LoadedRecurrence[] Of(LoadedRecurrence recurrence) =>
        _recurrences.TryGetValue(recurrence, out LoadedRecurrence[]? known) ? known : Cut(recurrence);

    /// <summary>Of columns that change places.</summary>
    public ImmutableArray<ColumnRun>[] Of(ImmutableArray<ColumnRun> runs, ShardedRows x, ShardedRows y) =>
        _runs.TryGetValue((runs, x, y), out ImmutableArray<ColumnRun>[]? known) ? known : Cut(runs, x, y);

    private LinearGroup[] Cut(LinearGroup group, ShardedRows x, ShardedRows y) => Keep(_groups, group, shard =>
    {
        ImmutableArray<LinearPart> parts =
        [
            .. group.Parts.Select(part => new LinearPart(
                ((ShardedMatrix)part.Weight).Parts[shard], ((ShardedVector?)part.Bias)?.Parts[shard], part.Target)),
        ];
        var own = new LinearGroup(parts)
        {
            Partition = group.Partition,
            InputBorders = group.Partition is { Axis: PartitionAxis.Columns } inputs
                ? [.. inputs.Split.BordersOf(shard, shards)]
                : [0, parts[0].Weight.Inputs],
        };
        return own.Inputs == x.Parts[shard].Width && own.Outputs <= y.Parts[shard].Width
            ? own
            : throw new InvalidOperationException("The rows of a product are not shared as its weights are.");
    });

    private GroupedAttention[] Cut(GroupedAttention attention) => Keep(_attentions, attention, shard =>
    {
        (int first, int end) = Split.OfHeads(attention.Heads, attention.HeadDim).UnitsOf(shard, shards);
        return attention with
        {
            Heads = end - first,
            KeyValueHeads = Split.OfKeys(attention).ColumnsOf(shard, shards) / attention.HeadDim,
            HeadsPerKey = attention.HeadsPerKey,
            FirstHead = first % attention.HeadsPerKey,
        };
    });

    private LatentAttention[] Cut(LatentAttention attention) => Keep(_latents, attention, shard =>
    {
        (int first, int end) = Split.OfHeads(attention.Heads, attention.QueryColumns).UnitsOf(shard, shards);
        return attention with { Heads = end - first };
    });

    private ExpertLinear[] Cut(ExpertLinear linear) => Keep(_experts, linear, shard =>
    {
        var weights = (ShardedExperts)linear.Weights;
        return new ExpertLinear(
            weights.Parts[shard], ((ShardedVector?)linear.Bias)?.Parts[shard],
            [.. linear.Targets.Select(target => target with { FirstTarget = target.FirstTarget + weights.First[shard] })]);
    });

    private ShortConvolution[] Cut(ShortConvolution convolution) => Keep(_convolutions, convolution, shard =>
    {
        DeviceVector weight = ((ShardedVector)convolution.Weight).Parts[shard];
        return convolution with
        {
            Weight = weight,
            Bias = ((ShardedVector?)convolution.Bias)?.Parts[shard],
            Channels = weight.Length / convolution.Kernel,
        };
    });

    private LoadedRecurrence[] Cut(LoadedRecurrence recurrence) => Keep(_recurrences, recurrence, shard => recurrence with
    {
        Rate = ((ShardedVector)recurrence.Rate).Parts[shard],
        Bias = ((ShardedVector)recurrence.Bias).Parts[shard],
        Skip = ((ShardedVector?)recurrence.Skip)?.Parts[shard],
    });

    private ImmutableArray<ColumnRun>[] Cut(ImmutableArray<ColumnRun> runs, ShardedRows x, ShardedRows y)
    {
        ImmutableArray<ColumnRun>[] parts =
            [.. Enumerable.Range(0, shards).Select(shard => runs.Select(run => Cut(run, x, y, shard)).ToImmutableArray())];
        _runs.Add((runs, x, y), parts);
        return parts;
    }

    /// <summary>
    /// A shard's part of a run, which goes through all of what is cut: some of its blocks, or some columns of the only one.
    /// </summary>
    private static ColumnRun Cut(ColumnRun run, ShardedRows x, ShardedRows y, int shard)
    {
        if (x.Splits.IsEmpty && y.Splits.IsEmpty)
        {
            return run;
        }

        if (run.Blocks == 1)
        {
            (int from, int columns) = x.OnShard(run.From, run.Columns, shard);
            (int to, int same) = y.OnShard(run.To, run.Columns, shard);
            return columns == same ? ColumnRun.Of(from, to, columns) : throw NotCutAlike();
        }

        // A block is a part of a unit of what is cut.
        (int first, int read) = x.OnShard(run.From / run.FromStride * run.FromStride, run.FromStride * run.Blocks, shard);
        (int firstTo, int written) = y.OnShard(run.To / run.ToStride * run.ToStride, run.ToStride * run.Blocks, shard);
        return read / run.FromStride == written / run.ToStride
            ? run with
            {
                From = first + (run.From % run.FromStride),
                To = firstTo + (run.To % run.ToStride),
                Blocks = read / run.FromStride,
            }
            : throw NotCutAlike();
    }

    private static InvalidOperationException NotCutAlike() => new("Columns change places between rows that are not shared alike.");

    private T[] Keep<T>(Dictionary<T, T[]> known, T whole, Func<int, T> part)
        where T : class
    {
        T[] parts = [.. Enumerable.Range(0, shards).Select(part)];
        known.Add(whole, parts);
        return parts;
    }
}
