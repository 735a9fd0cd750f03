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
