using SLoRA.Backends;
using SLoRA.Backends.Reference;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Engine;

/// <summary>The Reference backend, which tells how many bytes were written into pages between two of its steps.</summary>
/// <param name="rows">The most rows of a step.</param>
/// <param name="outputs">The most rows with logits.</param>
/// <param name="wrap">What stands between the engine and the pages; null for nothing.</param>
internal sealed class CountingBackend(int rows, int outputs, Func<IPageMemory, IPageMemory>? wrap = null)
    : ForwardingBackend(new ReferenceBackend(rows, outputs))
{
    private CountingPages? _counted;
    private IPageMemory? _pages;

    /// <summary>Bytes written into pages before each step, as of the last one.</summary>
    public List<long> WrittenBeforeStep { get; } = [];

    public override IPageMemory Pages => _pages!;

    public override void AllocatePages(KvLayout layout, int pageCount)
    {
        base.AllocatePages(layout, pageCount);
        _counted = new CountingPages(Inner.Pages);
        _pages = wrap is null ? _counted : wrap(_counted);
    }

    public override void BeginStep(StepPlan plan)
    {
        WrittenBeforeStep.Add(_counted!.Written);
        _counted.Written = 0;
        base.BeginStep(plan);
    }

    private sealed class CountingPages(IPageMemory inner) : ForwardingPages(inner)
    {
        public long Written { get; set; }

        public override void Write(int page, long offset, ReadOnlySpan<byte> source)
        {
            Written += source.Length;
            base.Write(page, offset, source);
        }

        public override long WriteBeside(int page, long offset, ReadOnlySpan<byte> source)
        {
            Written += source.Length;
            return base.WriteBeside(page, offset, source);
        }
    }
}
