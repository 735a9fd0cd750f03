using System.Collections.Immutable;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Backends;

/// <summary>
/// The operations of another backend: what stands between the engine and a device overrides what it is about and loses nothing of the rest.
/// </summary>
/// <param name="inner">The backend that does the work; disposed of with this one.</param>
internal abstract class ForwardingBackend(IBackend inner) : IBackend
{
    /// <inheritdoc/>
    public virtual string Name => Inner.Name;

    /// <inheritdoc/>
    public virtual BackendStatus Status => Inner.Status;

    /// <inheritdoc/>
    public virtual string? Shortcoming => Inner.Shortcoming;

    /// <inheritdoc/>
    public virtual IPageMemory Pages => Inner.Pages;

    /// <inheritdoc/>
    public virtual bool ChoosesTokens => Inner.ChoosesTokens;

    /// <inheritdoc/>
    public virtual StepExchange Exchange => Inner.Exchange;

    /// <summary>The backend that does the work.</summary>
    protected IBackend Inner { get; } = inner;

    /// <inheritdoc/>
    public virtual KvLayout LayOut(ImmutableArray<KeptState> kept, TensorType type, int? pageTokens) =>
        Inner.LayOut(kept, type, pageTokens);

    /// <inheritdoc/>
    public virtual void AllocatePages(KvLayout layout, int pageCount) => Inner.AllocatePages(layout, pageCount);

    /// <inheritdoc/>
    public virtual WeightFormat Takes(WeightFormat stored) => Inner.Takes(stored);

    /// <inheritdoc/>
    public virtual RowRounding? RoundingOf(WeightFormat taken, bool givesLogits, Partition? partition) =>
        Inner.RoundingOf(taken, givesLogits, partition);

    /// <inheritdoc/>
    public virtual long BytesOf(WeightFormat taken, long rows, int columns) => Inner.BytesOf(taken, rows, columns);

    /// <inheritdoc/>
    public virtual bool FindWeights(ModelFiles files) => Inner.FindWeights(files);

    /// <inheritdoc/>
    public virtual void ReserveWeights(IEnumerable<long> sizes) => Inner.ReserveWeights(sizes);

    /// <inheritdoc/>
    public virtual DeviceMatrix LoadMatrix(WeightSource source) => Inner.LoadMatrix(source);

    /// <inheritdoc/>
    public virtual DeviceTable LoadTable(WeightSource source) => Inner.LoadTable(source);

    /// <inheritdoc/>
    public virtual DeviceVector LoadVector(WeightSource source) => Inner.LoadVector(source);

    /// <inheritdoc/>
    public virtual DeviceRows CreateRows(RowSet rows, int width) => Inner.CreateRows(rows, width);

    /// <inheritdoc/>
    public virtual DeviceRows CreateRows(RowSet rows, int width, ImmutableArray<Split> splits) => Inner.CreateRows(rows, width, splits);

    /// <inheritdoc/>
    public virtual DeviceExperts LoadExperts(ExpertSources sources) => Inner.LoadExperts(sources);

    /// <inheritdoc/>
    public virtual DeviceRoutes CreateRoutes(int experts, int chosen) => Inner.CreateRoutes(experts, chosen);

    /// <inheritdoc/>
    public virtual DeviceRoutes CreateRoutes(int experts, int chosen, Run own) => Inner.CreateRoutes(experts, chosen, own);

    /// <inheritdoc/>
    public virtual DeviceRoutes CreateHeadRoutes(Split heads) => Inner.CreateHeadRoutes(heads);

    /// <inheritdoc/>
    public virtual DeviceRows CreateRoutedRows(DeviceRoutes routes, int width) => Inner.CreateRoutedRows(routes, width);

    /// <inheritdoc/>
    public virtual DeviceRope CreateRope(RopeDescription rope) => Inner.CreateRope(rope);

    /// <inheritdoc/>
    public virtual void CompleteLoading(DecoderShape decoder) => Inner.CompleteLoading(decoder);

    /// <inheritdoc/>
    public virtual void BeginStep(StepPlan plan) => Inner.BeginStep(plan);

    /// <inheritdoc/>
    public virtual void Run(Action operations) => Inner.Run(operations);

    /// <inheritdoc/>
    public virtual void Embed(DeviceTable table, int target, DeviceRows x) => Inner.Embed(table, target, x);

    /// <inheritdoc/>
    public virtual void Norm(DeviceRows x, DeviceVector weight, float epsilon, DeviceRows y) => Inner.Norm(x, weight, epsilon, y);

    /// <inheritdoc/>
    public virtual void NormHeads(DeviceRows x, int firstColumn, int heads, DeviceVector weight, float epsilon) =>
        Inner.NormHeads(x, firstColumn, heads, weight, epsilon);

    /// <inheritdoc/>
    public virtual void LayerNorm(DeviceRows x, DeviceVector weight, DeviceVector? bias, float epsilon, DeviceRows y) =>
        Inner.LayerNorm(x, weight, bias, epsilon, y);

    /// <inheritdoc/>
    public virtual void Linear(LinearGroup group, DeviceRows x, DeviceRows y) => Inner.Linear(group, x, y);

    /// <inheritdoc/>
    public virtual void Rotate(DeviceRows x, int firstColumn, int heads, int headDim, DeviceRope rope) =>
        Inner.Rotate(x, firstColumn, heads, headDim, rope);

    /// <inheritdoc/>
    public virtual void ScaleByPosition(PositionScale scale, DeviceRows x, int columns) => Inner.ScaleByPosition(scale, x, columns);

    /// <inheritdoc/>
    public virtual void RotateAndStore(DeviceRows qkv, int layer, GroupedAttention attention, DeviceRope rope) =>
        Inner.RotateAndStore(qkv, layer, attention, rope);

    /// <inheritdoc/>
    public virtual void Attend(DeviceRows qkv, int layer, GroupedAttention attention, DeviceRows y, DeviceVector? sinks = null) =>
        Inner.Attend(qkv, layer, attention, y, sinks);

    /// <inheritdoc/>
    public virtual void GateClamped(ClampedGate gate, DeviceRows x, DeviceRows y) => Inner.GateClamped(gate, x, y);

    /// <inheritdoc/>
    public virtual void Gate(Activation activation, DeviceRows x, DeviceRows y) => Inner.Gate(activation, x, y);

    /// <inheritdoc/>
    public virtual void Apply(ElementFunction function, DeviceRows x, int firstColumn, int columns) =>
        Inner.Apply(function, x, firstColumn, columns);

    /// <inheritdoc/>
    public virtual void Multiply(DeviceRows y, int yColumn, DeviceRows x, int xColumn, int columns) =>
        Inner.Multiply(y, yColumn, x, xColumn, columns);

    /// <inheritdoc/>
    public virtual void Convolve(DeviceRows x, int firstColumn, ShortConvolution convolution, int state, DeviceRows y) =>
        Inner.Convolve(x, firstColumn, convolution, state, y);

    /// <inheritdoc/>
    public virtual void Regroup(DeviceRows x, ImmutableArray<ColumnRun> runs, DeviceRows y) => Inner.Regroup(x, runs, y);

    /// <inheritdoc/>
    public virtual void Recur(DeviceRows x, DeviceRows steps, LoadedRecurrence recurrence, int state, DeviceRows y) =>
        Inner.Recur(x, steps, recurrence, state, y);

    /// <inheritdoc/>
    public virtual void NormGated(
        DeviceRows x, int heads, DeviceVector weight, float epsilon, DeviceRows gates, int gateColumn, bool gatesFirst) =>
        Inner.NormGated(x, heads, weight, epsilon, gates, gateColumn, gatesFirst);

    /// <inheritdoc/>
    public virtual void Add(DeviceRows x, DeviceRows y) => Inner.Add(x, y);

    /// <inheritdoc/>
    public virtual void AddNorm(DeviceRows x, DeviceRows y, DeviceVector weight, float epsilon, DeviceRows z) =>
        Inner.AddNorm(x, y, weight, epsilon, z);

    /// <inheritdoc/>
    public virtual void Route(
        DeviceRows logits, Routing routing, DeviceVector? correction, DeviceVector? factors, DeviceRoutes routes) =>
        Inner.Route(logits, routing, correction, factors, routes);

    /// <inheritdoc/>
    public virtual void Spread(DeviceRows x, DeviceRoutes routes, bool weighted, DeviceRows y) => Inner.Spread(x, routes, weighted, y);

    /// <inheritdoc/>
    public virtual void LinearOfExperts(ExpertLinear linear, DeviceRows x, DeviceRoutes routes, DeviceRows y) =>
        Inner.LinearOfExperts(linear, x, routes, y);

    /// <inheritdoc/>
    public virtual void Combine(DeviceRows x, DeviceRoutes routes, bool weighted, DeviceRows y) => Inner.Combine(x, routes, weighted, y);

    /// <inheritdoc/>
    public virtual void RouteToAll(DeviceRoutes routes) => Inner.RouteToAll(routes);

    /// <inheritdoc/>
    public virtual void TakeHeads(DeviceRows x, int firstColumn, int stride, DeviceRoutes routes, DeviceRows y) =>
        Inner.TakeHeads(x, firstColumn, stride, routes, y);

    /// <inheritdoc/>
    public virtual void PutHeads(DeviceRows x, DeviceRoutes routes, DeviceRows y) => Inner.PutHeads(x, routes, y);

    /// <inheritdoc/>
    public virtual void RotateAndStoreLatent(DeviceRows q, DeviceRows kv, int layer, LatentAttention attention, DeviceRope rope) =>
        Inner.RotateAndStoreLatent(q, kv, layer, attention, rope);

    /// <inheritdoc/>
    public virtual void AttendLatent(
        DeviceRows absorbed, DeviceRows q, int layer, LatentAttention attention, DeviceRoutes routes, DeviceRows y) =>
        Inner.AttendLatent(absorbed, q, layer, attention, routes, y);

    /// <inheritdoc/>
    public virtual void AddGated(DeviceRows y, DeviceRows gate, DeviceRows x) => Inner.AddGated(y, gate, x);

    /// <inheritdoc/>
    public virtual void GatherOutputs(DeviceRows x, DeviceRows y) => Inner.GatherOutputs(x, y);

    /// <inheritdoc/>
    public virtual void Choose(DeviceRows logits) => Inner.Choose(logits);

    /// <inheritdoc/>
    public virtual int Chosen(int output) => Inner.Chosen(output);

    /// <inheritdoc/>
    public virtual void EndStep(DeviceRows logits) => Inner.EndStep(logits);

    /// <inheritdoc/>
    public virtual Span<float> Logits(DeviceRows logits, int output) => Inner.Logits(logits, output);

    /// <inheritdoc/>
    public virtual Exception? FaultOf(Exception error) => Inner.FaultOf(error);

    /// <inheritdoc/>
    public virtual void Dispose() => Inner.Dispose();
}
