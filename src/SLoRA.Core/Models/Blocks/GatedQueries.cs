using System.Collections.Immutable;
using SLoRA.Backends;
using SLoRA.Step;

namespace SLoRA.Models.Blocks;

/// <summary>
/// Queries that come with gates, <c>[T, H, 2 d]</c>: a head's query, then its gate, then keys and values. What attention gives is
/// multiplied by the gates' sigmoid.
/// </summary>
/// <param name="shape">The attention.</param>
/// <param name="heads">How shards share query heads.</param>
/// <param name="keys">How they share key and value heads.</param>
/// <param name="loader">Makes the rows.</param>
internal sealed class GatedQueries(GroupedAttention shape, Split heads, Split keys, BlockLoader loader)
{
    private readonly ImmutableArray<ColumnRun> _queries =
    [
        new(0, 2 * shape.HeadDim, 0, shape.HeadDim, shape.HeadDim, shape.Heads),
        ColumnRun.Of(2 * shape.QueryColumns, shape.QueryColumns, shape.KeyColumns),
        ColumnRun.Of((2 * shape.QueryColumns) + shape.KeyColumns, shape.QueryColumns + shape.KeyColumns, shape.KeyColumns),
    ];

    private readonly ImmutableArray<ColumnRun> _columnsOfGates =
        [new(shape.HeadDim, 2 * shape.HeadDim, 0, shape.HeadDim, shape.HeadDim, shape.Heads)];

    private readonly DeviceRows _gates = loader.Rows(heads);

    /// <summary>What the projections give.</summary>
    public DeviceRows Projected { get; } = loader.Rows(heads.With(2 * shape.HeadDim), keys, keys);

    /// <summary>Queries, keys and values as attention takes them, and the gates by themselves.</summary>
    public void Separate(IBackend backend, DeviceRows qkv)
    {
        backend.Regroup(Projected, _queries, qkv);
        backend.Regroup(Projected, _columnsOfGates, _gates);
    }

    /// <summary>Multiplies what attention has given.</summary>
    public void Apply(IBackend backend, DeviceRows attended)
    {
        backend.Apply(new ElementFunction(ElementFunctionKind.Sigmoid), _gates, 0, _gates.Width);
        backend.Multiply(attended, 0, _gates, 0, _gates.Width);
    }
}
