using System.Collections.Immutable;
using SLoRA.Step;

namespace SLoRA.Backends.Sharded;

/// <summary>
/// What each shard has of a group of products, an attention, a convolution: made when it is first asked for, so that steps find it.
/// </summary>
/// <param name="shards">Shards.</param>
internal sealed class ShardShapes(int shards)
{
    private readonly Dictionary<LinearGroup, LinearGroup[]> _groups = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<GroupedAttention, GroupedAttention[]> _attentions = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<LatentAttention, LatentAttention[]> _latents = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<ExpertLinear, ExpertLinear[]> _experts = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<ShortConvolution, ShortConvolution[]> _convolutions = new(ReferenceEqualityComparer.Instance);

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

    private T[] Keep<T>(Dictionary<T, T[]> known, T whole, Func<int, T> part)
        where T : class
    {
        T[] parts = [.. Enumerable.Range(0, shards).Select(part)];
        known.Add(whole, parts);
        return parts;
    }
}
