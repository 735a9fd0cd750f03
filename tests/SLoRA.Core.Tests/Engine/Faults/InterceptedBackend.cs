using SLoRA.Adapters;
using SLoRA.Backends;
using SLoRA.Engine;
using SLoRA.Models;

namespace SLoRA.Core.Tests.Engine.Faults;

/// <summary>A backend that says what is about to be done on the device; what <paramref name="before"/> throws is the device's fault, or that of main memory.</summary>
/// <param name="inner">Computes.</param>
/// <param name="before">Told the name of each operation of a step, of each access to pages, of each allocation of main memory for them, and of the end.</param>
internal sealed class InterceptedBackend(IBackend inner, Action<string> before) : IBackend
{
    public string Name => inner.Name;

    public IPageMemory Pages => new InterceptedPages(inner.Pages, before);

    public void AllocatePages(KvLayout layout, int pageCount) => inner.AllocatePages(layout, pageCount);

    public DeviceMatrix LoadMatrix(WeightSource source) => inner.LoadMatrix(source);

    public DeviceTable LoadTable(WeightSource source) => inner.LoadTable(source);

    public DeviceVector LoadVector(WeightSource source) => inner.LoadVector(source);

    public DeviceRows CreateRows(RowSet rows, int width) => inner.CreateRows(rows, width);

    public DeviceRope CreateRope(RopeDescription rope) => inner.CreateRope(rope);

    public void BeginStep(StepPlan plan)
    {
        before(nameof(BeginStep));
        inner.BeginStep(plan);
    }

    public void Embed(DeviceTable table, int target, DeviceRows x)
    {
        before(nameof(Embed));
        inner.Embed(table, target, x);
    }

    public void Norm(DeviceRows x, DeviceVector weight, float epsilon, DeviceRows y)
    {
        before(nameof(Norm));
        inner.Norm(x, weight, epsilon, y);
    }

    public void NormHeads(DeviceRows x, int firstColumn, int heads, DeviceVector weight, float epsilon) =>
        inner.NormHeads(x, firstColumn, heads, weight, epsilon);

    public void Linear(LinearGroup group, DeviceRows x, DeviceRows y)
    {
        before(nameof(Linear));
        inner.Linear(group, x, y);
    }

    public void RotateAndStore(DeviceRows qkv, int layer, AttentionDescription attention, DeviceRope rope)
    {
        before(nameof(RotateAndStore));
        inner.RotateAndStore(qkv, layer, attention, rope);
    }

    public void Attend(DeviceRows qkv, int layer, AttentionDescription attention, DeviceRows y)
    {
        before(nameof(Attend));
        inner.Attend(qkv, layer, attention, y);
    }

    public void Gate(DeviceRows x, DeviceRows y)
    {
        before(nameof(Gate));
        inner.Gate(x, y);
    }

    public void Add(DeviceRows x, DeviceRows y)
    {
        before(nameof(Add));
        inner.Add(x, y);
    }

    public void GatherOutputs(DeviceRows x, DeviceRows y)
    {
        before(nameof(GatherOutputs));
        inner.GatherOutputs(x, y);
    }

    public void EndStep(DeviceRows logits)
    {
        before(nameof(EndStep));
        inner.EndStep(logits);
    }

    public Span<float> Logits(DeviceRows logits, int output) => inner.Logits(logits, output);

    public void Dispose()
    {
        before(nameof(Dispose));
        inner.Dispose();
    }

    private sealed class InterceptedPages(IPageMemory inner, Action<string> before) : IPageMemory
    {
        public int PageCount => inner.PageCount;

        public long PageBytes => inner.PageBytes;

        public void Write(int page, long offset, ReadOnlySpan<byte> source)
        {
            before(nameof(Write));
            inner.Write(page, offset, source);
        }

        public void Read(int page, long offset, Span<byte> destination)
        {
            before(nameof(Read));
            inner.Read(page, offset, destination);
        }

        public void Copy(int source, int destination)
        {
            before(nameof(Copy));
            inner.Copy(source, destination);
        }

        public NativeBlock AllocateMain(long bytes)
        {
            before(nameof(AllocateMain));
            return inner.AllocateMain(bytes);
        }
    }
}
