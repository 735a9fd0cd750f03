using System.Collections.Immutable;
using SLoRA.Backends;
using SLoRA.Native;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Engine.Faults;

/// <summary>
/// A backend that says what is about to be done on the device; what <paramref name="before"/> throws is the device's fault, or that of main
/// memory.
/// </summary>
/// <param name="inner">Computes.</param>
/// <param name="before">Told the name of each operation of a step, of each access to pages, of each allocation of main memory for them, and
/// of the end.</param>
internal sealed class InterceptedBackend(IBackend inner, Action<string> before) : ForwardingBackend(inner)
{
    public override IPageMemory Pages => new InterceptedPages(Inner.Pages, before);

    public override void BeginStep(StepPlan plan)
    {
        before(nameof(BeginStep));
        base.BeginStep(plan);
    }

    public override void Run(Action operations)
    {
        before(nameof(Run));
        base.Run(operations);
    }

    public override Span<float> Logits(DeviceRows logits, int output)
    {
        before(nameof(Logits));
        return base.Logits(logits, output);
    }

    public override int Chosen(int output)
    {
        before(nameof(Chosen));
        return base.Chosen(output);
    }

    public override void LayerNorm(DeviceRows x, DeviceVector weight, DeviceVector? bias, float epsilon, DeviceRows y)
    {
        before(nameof(LayerNorm));
        base.LayerNorm(x, weight, bias, epsilon, y);
    }

    public override void Rotate(DeviceRows x, int firstColumn, int heads, int headDim, DeviceRope rope)
    {
        before(nameof(Rotate));
        base.Rotate(x, firstColumn, heads, headDim, rope);
    }

    public override void ScaleByPosition(PositionScale scale, DeviceRows x, int columns)
    {
        before(nameof(ScaleByPosition));
        base.ScaleByPosition(scale, x, columns);
    }

    public override void GateClamped(ClampedGate gate, DeviceRows x, DeviceRows y)
    {
        before(nameof(GateClamped));
        base.GateClamped(gate, x, y);
    }

    public override void Apply(ElementFunction function, DeviceRows x, int firstColumn, int columns)
    {
        before(nameof(Apply));
        base.Apply(function, x, firstColumn, columns);
    }

    public override void Multiply(DeviceRows y, int yColumn, DeviceRows x, int xColumn, int columns)
    {
        before(nameof(Multiply));
        base.Multiply(y, yColumn, x, xColumn, columns);
    }

    public override void Convolve(DeviceRows x, int firstColumn, ShortConvolution convolution, int state, DeviceRows y)
    {
        before(nameof(Convolve));
        base.Convolve(x, firstColumn, convolution, state, y);
    }

    public override void Regroup(DeviceRows x, ImmutableArray<ColumnRun> runs, DeviceRows y)
    {
        before(nameof(Regroup));
        base.Regroup(x, runs, y);
    }

    public override void Recur(DeviceRows x, DeviceRows steps, LoadedRecurrence recurrence, int state, DeviceRows y)
    {
        before(nameof(Recur));
        base.Recur(x, steps, recurrence, state, y);
    }

    public override void NormGated(
        DeviceRows x, int heads, DeviceVector weight, float epsilon, DeviceRows gates, int gateColumn, bool gatesFirst)
    {
        before(nameof(NormGated));
        base.NormGated(x, heads, weight, epsilon, gates, gateColumn, gatesFirst);
    }

    public override void Route(
        DeviceRows logits, Routing routing, DeviceVector? correction, DeviceVector? factors, DeviceRoutes routes)
    {
        before(nameof(Route));
        base.Route(logits, routing, correction, factors, routes);
    }

    public override void Spread(DeviceRows x, DeviceRoutes routes, bool weighted, DeviceRows y)
    {
        before(nameof(Spread));
        base.Spread(x, routes, weighted, y);
    }

    public override void LinearOfExperts(ExpertLinear linear, DeviceRows x, DeviceRoutes routes, DeviceRows y)
    {
        before(nameof(LinearOfExperts));
        base.LinearOfExperts(linear, x, routes, y);
    }

    public override void Combine(DeviceRows x, DeviceRoutes routes, bool weighted, DeviceRows y)
    {
        before(nameof(Combine));
        base.Combine(x, routes, weighted, y);
    }

    public override void RouteToAll(DeviceRoutes routes)
    {
        before(nameof(RouteToAll));
        base.RouteToAll(routes);
    }

    public override void TakeHeads(DeviceRows x, int firstColumn, int stride, DeviceRoutes routes, DeviceRows y)
    {
        before(nameof(TakeHeads));
        base.TakeHeads(x, firstColumn, stride, routes, y);
    }

    public override void PutHeads(DeviceRows x, DeviceRoutes routes, DeviceRows y)
    {
        before(nameof(PutHeads));
        base.PutHeads(x, routes, y);
    }

    public override void RotateAndStoreLatent(DeviceRows q, DeviceRows kv, int layer, LatentAttention attention, DeviceRope rope)
    {
        before(nameof(RotateAndStoreLatent));
        base.RotateAndStoreLatent(q, kv, layer, attention, rope);
    }

    public override void AttendLatent(
        DeviceRows absorbed, DeviceRows q, int layer, LatentAttention attention, DeviceRoutes routes, DeviceRows y)
    {
        before(nameof(AttendLatent));
        base.AttendLatent(absorbed, q, layer, attention, routes, y);
    }

    public override void AddGated(DeviceRows y, DeviceRows gate, DeviceRows x)
    {
        before(nameof(AddGated));
        base.AddGated(y, gate, x);
    }

    public override void Embed(DeviceTable table, int target, DeviceRows x)
    {
        before(nameof(Embed));
        base.Embed(table, target, x);
    }

    public override void Norm(DeviceRows x, DeviceVector weight, float epsilon, DeviceRows y)
    {
        before(nameof(Norm));
        base.Norm(x, weight, epsilon, y);
    }

    public override void NormHeads(DeviceRows x, int firstColumn, int heads, DeviceVector weight, float epsilon)
    {
        before(nameof(NormHeads));
        base.NormHeads(x, firstColumn, heads, weight, epsilon);
    }

    public override void Linear(LinearGroup group, DeviceRows x, DeviceRows y)
    {
        before(nameof(Linear));
        base.Linear(group, x, y);
    }

    public override void RotateAndStore(DeviceRows qkv, int layer, GroupedAttention attention, DeviceRope rope)
    {
        before(nameof(RotateAndStore));
        base.RotateAndStore(qkv, layer, attention, rope);
    }

    public override void Attend(DeviceRows qkv, int layer, GroupedAttention attention, DeviceRows y, DeviceVector? sinks = null)
    {
        before(nameof(Attend));
        base.Attend(qkv, layer, attention, y, sinks);
    }

    public override void Gate(Activation activation, DeviceRows x, DeviceRows y)
    {
        before(nameof(Gate));
        base.Gate(activation, x, y);
    }

    public override void Add(DeviceRows x, DeviceRows y)
    {
        before(nameof(Add));
        base.Add(x, y);
    }

    public override void AddNorm(DeviceRows x, DeviceRows y, DeviceVector weight, float epsilon, DeviceRows z)
    {
        before(nameof(AddNorm));
        base.AddNorm(x, y, weight, epsilon, z);
    }

    public override void GatherOutputs(DeviceRows x, DeviceRows y)
    {
        before(nameof(GatherOutputs));
        base.GatherOutputs(x, y);
    }

    public override void Choose(DeviceRows logits)
    {
        before(nameof(Choose));
        base.Choose(logits);
    }

    public override void EndStep(DeviceRows logits)
    {
        before(nameof(EndStep));
        base.EndStep(logits);
    }

    public override void Dispose()
    {
        before(nameof(Dispose));
        base.Dispose();
    }

    private sealed class InterceptedPages(IPageMemory inner, Action<string> before) : ForwardingPages(inner)
    {
        public override void Write(int page, long offset, ReadOnlySpan<byte> source)
        {
            before(nameof(Write));
            base.Write(page, offset, source);
        }

        public override long WriteBeside(int page, long offset, ReadOnlySpan<byte> source)
        {
            before(nameof(WriteBeside));
            return base.WriteBeside(page, offset, source);
        }

        public override void Read(int page, long offset, Span<byte> destination)
        {
            before(nameof(Read));
            base.Read(page, offset, destination);
        }

        public override void Copy(int source, int destination)
        {
            before(nameof(Copy));
            base.Copy(source, destination);
        }

        public override void Clear(int page)
        {
            before(nameof(Clear));
            base.Clear(page);
        }

        public override NativeBlock AllocateMain(long bytes)
        {
            before(nameof(AllocateMain));
            return base.AllocateMain(bytes);
        }
    }
}
