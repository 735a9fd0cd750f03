using SLoRA.Backends;
using SLoRA.Backends.Reference;
using SLoRA.Engine;
using SLoRA.Models;

namespace SLoRA.Core.Tests.Engine;

/// <summary>The Reference backend, which tells how many bytes were written into pages between two of its steps.</summary>
/// <param name="rows">The most rows of a step.</param>
/// <param name="outputs">The most rows with logits.</param>
/// <param name="wrap">What stands between the engine and the pages; null for nothing.</param>
internal sealed class CountingBackend(int rows, int outputs, Func<IPageMemory, IPageMemory>? wrap = null) : IBackend
{
    private readonly ReferenceBackend _inner = new(rows, outputs);
    private CountingPages? _counted;
    private IPageMemory? _pages;

    /// <summary>Bytes written into pages before each step, as of the last one.</summary>
    public List<long> WrittenBeforeStep { get; } = [];

    public string Name => _inner.Name;

    public IPageMemory Pages => _pages!;

    public void AllocatePages(KvLayout layout, int pageCount)
    {
        _inner.AllocatePages(layout, pageCount);
        _counted = new CountingPages(_inner.Pages);
        _pages = wrap is null ? _counted : wrap(_counted);
    }

    public DeviceMatrix LoadMatrix(WeightSource source) => _inner.LoadMatrix(source);

    public DeviceTable LoadTable(WeightSource source) => _inner.LoadTable(source);

    public DeviceVector LoadVector(WeightSource source) => _inner.LoadVector(source);

    public DeviceRows CreateRows(RowSet rows, int width) => _inner.CreateRows(rows, width);

    public DeviceRope CreateRope(RopeDescription rope) => _inner.CreateRope(rope);

    public void BeginStep(StepPlan plan)
    {
        WrittenBeforeStep.Add(_counted!.Written);
        _counted.Written = 0;
        _inner.BeginStep(plan);
    }

    public void Embed(DeviceTable table, int target, DeviceRows x) => _inner.Embed(table, target, x);

    public void Norm(DeviceRows x, DeviceVector weight, float epsilon, DeviceRows y) => _inner.Norm(x, weight, epsilon, y);

    public void NormHeads(DeviceRows x, int firstColumn, int heads, DeviceVector weight, float epsilon) =>
        _inner.NormHeads(x, firstColumn, heads, weight, epsilon);

    public void Linear(LinearGroup group, DeviceRows x, DeviceRows y) => _inner.Linear(group, x, y);

    public void RotateAndStore(DeviceRows qkv, int layer, AttentionDescription attention, DeviceRope rope) =>
        _inner.RotateAndStore(qkv, layer, attention, rope);

    public void Attend(DeviceRows qkv, int layer, AttentionDescription attention, DeviceRows y) => _inner.Attend(qkv, layer, attention, y);

    public void Gate(DeviceRows x, DeviceRows y) => _inner.Gate(x, y);

    public void Add(DeviceRows x, DeviceRows y) => _inner.Add(x, y);

    public void GatherOutputs(DeviceRows x, DeviceRows y) => _inner.GatherOutputs(x, y);

    public void EndStep(DeviceRows logits) => _inner.EndStep(logits);

    public Span<float> Logits(DeviceRows logits, int output) => _inner.Logits(logits, output);

    public void Dispose() => _inner.Dispose();

    private sealed class CountingPages(IPageMemory inner) : IPageMemory
    {
        public long Written { get; set; }

        public int PageCount => inner.PageCount;

        public long PageBytes => inner.PageBytes;

        public bool IsMainMemory => inner.IsMainMemory;

        public void Write(int page, long offset, ReadOnlySpan<byte> source)
        {
            Written += source.Length;
            inner.Write(page, offset, source);
        }

        public void Read(int page, long offset, Span<byte> destination) => inner.Read(page, offset, destination);

        public void Copy(int source, int destination) => inner.Copy(source, destination);
    }
}
