using SLoRA.Backends;
using SLoRA.Planning;
using SLoRA.Step;

namespace SLoRA.Evaluation.Costs;

/// <summary>A device that notes what is in its steps, and how much is copied into its pages.</summary>
internal sealed class WatchingBackend(IBackend inner) : ForwardingBackend(inner)
{
    private CountingPages? _pages;
    private StepLoad _load;

    /// <inheritdoc/>
    public override IPageMemory Pages => _pages!;

    /// <inheritdoc/>
    public override void AllocatePages(KvLayout layout, int pageCount)
    {
        base.AllocatePages(layout, pageCount);
        _pages = new CountingPages(Inner.Pages);
    }

    /// <inheritdoc/>
    public override void BeginStep(StepPlan plan)
    {
        _load = StepLoads.Of(plan);
        base.BeginStep(plan);
    }

    /// <summary>What has happened since the last call.</summary>
    /// <param name="seconds">How long it took.</param>
    public MeasuredStep Take(double seconds)
    {
        var taken = new MeasuredStep(_load, _pages!.Bytes, seconds);
        _load = default;
        _pages.Bytes = 0;
        return taken;
    }

    private sealed class CountingPages(IPageMemory inner) : ForwardingPages(inner)
    {
        public long Bytes { get; set; }

        public override void Write(int page, long offset, ReadOnlySpan<byte> source)
        {
            Bytes += source.Length;
            base.Write(page, offset, source);
        }

        public override long WriteBeside(int page, long offset, ReadOnlySpan<byte> source)
        {
            Bytes += source.Length;
            return base.WriteBeside(page, offset, source);
        }
    }
}
