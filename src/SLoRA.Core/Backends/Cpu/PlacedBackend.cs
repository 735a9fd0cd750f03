using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>A shard whose memory lies beside the processors that its threads run on: whoever takes it does so from there.</summary>
/// <param name="inner">The shard.</param>
/// <param name="placement">Its processors.</param>
/// <param name="description">What status says of the placement of all shards.</param>
internal sealed class PlacedBackend(IBackend inner, ThreadPlacement placement, string description) : ForwardingBackend(inner)
{
    /// <inheritdoc/>
    public override BackendStatus Status => base.Status with { Placement = description };

    /// <summary>The pool is touched at once: later the engine's thread writes pages, which runs beside the first shard.</summary>
    /// <inheritdoc/>
    public override void AllocatePages(KvLayout layout, int pageCount) => placement.Within(() =>
    {
        base.AllocatePages(layout, pageCount);
        for (int page = 0; page < pageCount; page++)
        {
            Pages.Clear(page);
        }

        return pageCount;
    });

    /// <summary>A copy here as well: where a file is mapped is beside no shard.</summary>
    /// <inheritdoc/>
    public override bool FindWeights(ModelFiles files) =>
        placement.Within(() => base.FindWeights(files with { Access = ModelAccess.Read }));

    /// <inheritdoc/>
    public override DeviceMatrix LoadMatrix(WeightSource source) => placement.Within(() => base.LoadMatrix(source));

    /// <summary>A copy: where the checkpoint has the table is beside no shard.</summary>
    /// <inheritdoc/>
    public override DeviceTable LoadTable(WeightSource source) =>
        placement.Within(() => base.LoadTable(source with { Stays = false }));

    /// <inheritdoc/>
    public override DeviceVector LoadVector(WeightSource source) => placement.Within(() => base.LoadVector(source));

    /// <inheritdoc/>
    public override void BeginStep(StepPlan plan)
    {
        placement.Enter();
        base.BeginStep(plan);
    }
}
