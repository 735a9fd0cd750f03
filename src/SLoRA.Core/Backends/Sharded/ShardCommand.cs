using System.Collections.Immutable;
using SLoRA.Step;

namespace SLoRA.Backends.Sharded;

/// <summary>An operation of a step.</summary>
internal enum ShardOperation
{
    /// <summary><see cref="IBackend.BeginStep"/>.</summary>
    BeginStep,

    /// <summary><see cref="IBackend.Embed"/>.</summary>
    Embed,

    /// <summary><see cref="IBackend.Norm"/>.</summary>
    Norm,

    /// <summary><see cref="IBackend.NormHeads"/>.</summary>
    NormHeads,

    /// <summary><see cref="IBackend.Linear"/>.</summary>
    Linear,

    /// <summary><see cref="IBackend.RotateAndStore"/>.</summary>
    RotateAndStore,

    /// <summary><see cref="IBackend.Attend"/>.</summary>
    Attend,

    /// <summary><see cref="IBackend.Gate"/>.</summary>
    Gate,

    /// <summary><see cref="IBackend.LayerNorm"/>.</summary>
    LayerNorm,

    /// <summary><see cref="IBackend.Rotate"/>.</summary>
    Rotate,

    /// <summary><see cref="IBackend.ScaleByPosition"/>.</summary>
    ScaleByPosition,

    /// <summary><see cref="IBackend.Apply"/>.</summary>
    Apply,

    /// <summary><see cref="IBackend.Multiply"/>.</summary>
    Multiply,

    /// <summary><see cref="IBackend.Convolve"/>.</summary>
    Convolve,

    /// <summary><see cref="IBackend.Regroup"/>.</summary>
    Regroup,

    /// <summary><see cref="IBackend.Recur"/>.</summary>
    Recur,

    /// <summary><see cref="IBackend.NormGated"/>.</summary>
    NormGated,

    /// <summary><see cref="IBackend.GateClamped"/>.</summary>
    GateClamped,

    /// <summary><see cref="IBackend.Route"/>.</summary>
    Route,

    /// <summary><see cref="IBackend.Spread"/>.</summary>
    Spread,

    /// <summary><see cref="IBackend.LinearOfExperts"/>.</summary>
    LinearOfExperts,

    /// <summary><see cref="IBackend.Combine"/>.</summary>
    Combine,

    /// <summary><see cref="IBackend.AddGated"/>.</summary>
    AddGated,

    /// <summary><see cref="IBackend.RouteToAll"/>.</summary>
    RouteToAll,

    /// <summary><see cref="IBackend.TakeHeads"/>.</summary>
    TakeHeads,

    /// <summary><see cref="IBackend.PutHeads"/>.</summary>
    PutHeads,

    /// <summary><see cref="IBackend.RotateAndStoreLatent"/>.</summary>
    RotateAndStoreLatent,

    /// <summary><see cref="IBackend.AttendLatent"/>.</summary>
    AttendLatent,

    /// <summary><see cref="IBackend.Add"/>.</summary>
    Add,

    /// <summary><see cref="IBackend.AddNorm"/>.</summary>
    AddNorm,

    /// <summary><see cref="IBackend.GatherOutputs"/>.</summary>
    GatherOutputs,

    /// <summary><see cref="IBackend.EndStep"/>, and the shard's columns of the logits shown to the caller.</summary>
    EndStep,
}

/// <summary>
/// An operation with what it works on, as the caller names it: each shard takes its own parts of it. A value, so that handing over an
/// operation allocates nothing.
/// </summary>
internal readonly record struct ShardCommand(ShardOperation Operation)
{
    /// <summary>The plan of <see cref="ShardOperation.BeginStep"/>.</summary>
    public StepPlan? Plan { get; init; }

    /// <summary>The input, or what is changed.</summary>
    public ShardedRows? X { get; init; }

    /// <summary>The output, or what is added.</summary>
    public ShardedRows? Y { get; init; }

    /// <summary>A third operand: the second output, or what else is read.</summary>
    public ShardedRows? Z { get; init; }

    /// <summary>The weight of a norm, the sinks of an attention, the correction of a router.</summary>
    public ShardedVector? Weight { get; init; }

    /// <summary>The bias of a norm, the factors of experts.</summary>
    public ShardedVector? Bias { get; init; }

    /// <summary>The function of <see cref="ShardOperation.Apply"/>.</summary>
    public ElementFunction Function { get; init; }

    /// <summary>The factor of <see cref="ShardOperation.ScaleByPosition"/>.</summary>
    public PositionScale? Scale { get; init; }

    /// <summary>Columns of a head, where an operation is not told by its weight.</summary>
    public int HeadDim { get; init; }

    /// <summary>The table.</summary>
    public ShardedTable? Table { get; init; }

    /// <summary>What each shard has of a group of products.</summary>
    public LinearGroup[]? Groups { get; init; }

    /// <summary>What each shard has of an attention.</summary>
    public GroupedAttention[]? Attentions { get; init; }

    /// <summary>What each shard has of an attention over latents.</summary>
    public LatentAttention[]? Latents { get; init; }

    /// <summary>What each shard has of a product of experts.</summary>
    public ExpertLinear[]? Experts { get; init; }

    /// <summary>What each shard has of a convolution.</summary>
    public ShortConvolution[]? Convolutions { get; init; }

    /// <summary>What each shard has of a recurrence.</summary>
    public LoadedRecurrence[]? Recurrences { get; init; }

    /// <summary>Which columns of each shard's rows change places.</summary>
    public ImmutableArray<ColumnRun>[]? Runs { get; init; }

    /// <summary>Whether gates are multiplied before a norm.</summary>
    public bool GatesFirst { get; init; }

    /// <summary>What the rows have chosen.</summary>
    public ShardedRoutes? Routes { get; init; }

    /// <summary>How they choose.</summary>
    public Routing? Routing { get; init; }

    /// <summary>Whether routed rows are multiplied by their weights.</summary>
    public bool IsWeighted { get; init; }

    /// <summary>The gate of <see cref="ShardOperation.GateClamped"/>.</summary>
    public ClampedGate? ClampedGate { get; init; }

    /// <summary>The rotation.</summary>
    public ShardedRope? Rope { get; init; }

    /// <summary>The function of a gate.</summary>
    public Activation Activation { get; init; }

    /// <summary>The target of a look-up, the layer, or the first column of heads.</summary>
    public int First { get; init; }

    /// <summary>Heads, or columns.</summary>
    public int Count { get; init; }

    /// <summary>
    /// The first column of what is changed, where that is not <see cref="First"/>; the state of a convolution or a recurrence.
    /// </summary>
    public int To { get; init; }

    /// <summary>What a norm adds to the mean square.</summary>
    public float Epsilon { get; init; }
}
