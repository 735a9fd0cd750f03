using System.Collections.Immutable;
using SLoRA.Step;

namespace SLoRA.Backends.Sharded;

/// <content>The operations of a step: each is handed to all shards.</content>
internal sealed partial class ShardedBackend
{
    /// <inheritdoc/>
    public void BeginStep(StepPlan plan)
    {
        _plan = plan;
        _crew.Do(new ShardCommand(ShardOperation.BeginStep) { Plan = plan });
    }

    /// <inheritdoc/>
    public void Embed(DeviceTable table, int target, DeviceRows x) =>
        _crew.Do(new ShardCommand(ShardOperation.Embed) { Table = (ShardedTable)table, First = target, X = (ShardedRows)x });

    /// <inheritdoc/>
    public void Norm(DeviceRows x, DeviceVector weight, float epsilon, DeviceRows y) => _crew.Do(new ShardCommand(ShardOperation.Norm)
    {
        X = (ShardedRows)x,
        Weight = (ShardedVector)weight,
        Epsilon = epsilon,
        Y = (ShardedRows)y,
    });

    /// <inheritdoc/>
    public void NormHeads(DeviceRows x, int firstColumn, int heads, DeviceVector weight, float epsilon) =>
        _crew.Do(new ShardCommand(ShardOperation.NormHeads)
        {
            X = (ShardedRows)x,
            First = firstColumn,
            Count = heads,
            Weight = (ShardedVector)weight,
            Epsilon = epsilon,
        });

    /// <inheritdoc/>
    public void LayerNorm(DeviceRows x, DeviceVector weight, DeviceVector? bias, float epsilon, DeviceRows y) =>
        _crew.Do(new ShardCommand(ShardOperation.LayerNorm)
        {
            X = (ShardedRows)x,
            Weight = (ShardedVector)weight,
            Bias = (ShardedVector?)bias,
            Epsilon = epsilon,
            Y = (ShardedRows)y,
        });

    /// <inheritdoc/>
    public void Rotate(DeviceRows x, int firstColumn, int heads, int headDim, DeviceRope rope) =>
        _crew.Do(new ShardCommand(ShardOperation.Rotate)
        {
            X = (ShardedRows)x,
            First = firstColumn,
            Count = heads,
            HeadDim = headDim,
            Rope = (ShardedRope)rope,
        });

    /// <inheritdoc/>
    public void ScaleByPosition(PositionScale scale, DeviceRows x, int columns) =>
        _crew.Do(new ShardCommand(ShardOperation.ScaleByPosition) { X = (ShardedRows)x, Scale = scale, Count = columns });

    /// <inheritdoc/>
    public void Apply(ElementFunction function, DeviceRows x, int firstColumn, int columns) =>
        _crew.Do(new ShardCommand(ShardOperation.Apply)
        {
            X = (ShardedRows)x,
            Function = function,
            First = firstColumn,
            Count = columns,
        });

    /// <inheritdoc/>
    public void Multiply(DeviceRows y, int yColumn, DeviceRows x, int xColumn, int columns) =>
        _crew.Do(new ShardCommand(ShardOperation.Multiply)
        {
            X = (ShardedRows)x,
            First = xColumn,
            Y = (ShardedRows)y,
            To = yColumn,
            Count = columns,
        });

    /// <inheritdoc/>
    public void Convolve(DeviceRows x, int firstColumn, ShortConvolution convolution, int state, DeviceRows y) =>
        _crew.Do(new ShardCommand(ShardOperation.Convolve)
        {
            X = (ShardedRows)x,
            First = firstColumn,
            Convolutions = _shapes.Of(convolution),
            To = state,
            Y = (ShardedRows)y,
        });

    /// <inheritdoc/>
    public void Regroup(DeviceRows x, ImmutableArray<ColumnRun> runs, DeviceRows y) =>
        _crew.Do(new ShardCommand(ShardOperation.Regroup)
        {
            X = (ShardedRows)x,
            Y = (ShardedRows)y,
            Runs = _shapes.Of(runs, (ShardedRows)x, (ShardedRows)y),
        });

    /// <inheritdoc/>
    public void Recur(DeviceRows x, DeviceRows steps, LoadedRecurrence recurrence, int state, DeviceRows y) =>
        _crew.Do(new ShardCommand(ShardOperation.Recur)
        {
            X = (ShardedRows)x,
            Z = (ShardedRows)steps,
            Recurrences = _shapes.Of(recurrence),
            To = state,
            Y = (ShardedRows)y,
        });

    /// <inheritdoc/>
    public void NormGated(
        DeviceRows x, int heads, DeviceVector weight, float epsilon, DeviceRows gates, int gateColumn, bool gatesFirst) =>
        _crew.Do(new ShardCommand(ShardOperation.NormGated)
        {
            X = (ShardedRows)x,
            Count = heads,
            Weight = (ShardedVector)weight,
            Epsilon = epsilon,
            Z = (ShardedRows)gates,
            First = gateColumn,
            GatesFirst = gatesFirst,
        });

    /// <inheritdoc/>
    public void Linear(LinearGroup group, DeviceRows x, DeviceRows y) => _crew.Do(new ShardCommand(ShardOperation.Linear)
    {
        Groups = _shapes.Of(group, (ShardedRows)x, (ShardedRows)y),
        X = (ShardedRows)x,
        Y = (ShardedRows)y,
    });

    /// <inheritdoc/>
    public void RotateAndStore(DeviceRows qkv, int layer, GroupedAttention attention, DeviceRope rope) =>
        _crew.Do(new ShardCommand(ShardOperation.RotateAndStore)
        {
            X = (ShardedRows)qkv,
            First = layer,
            Attentions = _shapes.Of(attention),
            Rope = (ShardedRope)rope,
        });

    /// <inheritdoc/>
    public void Attend(DeviceRows qkv, int layer, GroupedAttention attention, DeviceRows y, DeviceVector? sinks = null) =>
        _crew.Do(new ShardCommand(ShardOperation.Attend)
        {
            X = (ShardedRows)qkv,
            First = layer,
            Attentions = _shapes.Of(attention),
            Weight = (ShardedVector?)sinks,
            Y = (ShardedRows)y,
        });

    /// <inheritdoc/>
    public void Gate(Activation activation, DeviceRows x, DeviceRows y) =>
        _crew.Do(new ShardCommand(ShardOperation.Gate) { Activation = activation, X = (ShardedRows)x, Y = (ShardedRows)y });

    /// <inheritdoc/>
    public void Add(DeviceRows x, DeviceRows y) =>
        _crew.Do(new ShardCommand(ShardOperation.Add) { X = (ShardedRows)x, Y = (ShardedRows)y });

    /// <inheritdoc/>
    public void AddNorm(DeviceRows x, DeviceRows y, DeviceVector weight, float epsilon, DeviceRows z) =>
        _crew.Do(new ShardCommand(ShardOperation.AddNorm)
        {
            X = (ShardedRows)x,
            Y = (ShardedRows)y,
            Weight = (ShardedVector)weight,
            Epsilon = epsilon,
            Z = (ShardedRows)z,
        });

    /// <inheritdoc/>
    public void GatherOutputs(DeviceRows x, DeviceRows y) =>
        _crew.Do(new ShardCommand(ShardOperation.GatherOutputs) { X = (ShardedRows)x, Y = (ShardedRows)y });

    /// <inheritdoc/>
    public void Choose(DeviceRows logits)
    {
    }

    /// <inheritdoc/>
    public int Chosen(int output) => -1;

    /// <inheritdoc/>
    public void EndStep(DeviceRows logits)
    {
        _crew.Do(new ShardCommand(ShardOperation.EndStep) { X = (ShardedRows)logits });
        _crew.AwaitRest();
        _sharedHeads?.Check(_plan!);
    }
}
