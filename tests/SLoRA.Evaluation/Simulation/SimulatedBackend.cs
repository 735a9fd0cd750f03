using SLoRA.Backends;
using SLoRA.Evaluation.Costs;
using SLoRA.Evaluation.Runs;
using SLoRA.Planning;
using SLoRA.Step;

namespace SLoRA.Evaluation.Simulation;

/// <summary>
/// A device that computes nothing: its steps and copies let the virtual time pass that a model of their cost says, and its tokens are
/// arbitrary. What is around it is the engine as it is: queue, policies, admission, paging, steps.
/// </summary>
/// <param name="cost">What steps cost.</param>
/// <param name="link">How adapters come into pages.</param>
/// <param name="clock">The engine's clock.</param>
internal sealed class SimulatedBackend(StepCost cost, SimulatedLink link, VirtualClock clock)
    : ForwardingBackend(new FixedLogitsBackend())
{
    private SimulatedPages? _pages;
    private StepLoad _load;

    /// <inheritdoc/>
    public override string Name => "Simulated";

    /// <inheritdoc/>
    public override IPageMemory Pages => _pages!;

    /// <inheritdoc/>
    public override bool ChoosesTokens => true;

    /// <inheritdoc/>
    public override void AllocatePages(KvLayout layout, int pageCount) =>
        _pages = new SimulatedPages(pageCount, layout.PageBytes, link, clock);

    /// <inheritdoc/>
    public override void BeginStep(StepPlan plan) => _load = StepLoads.Of(plan);

    /// <inheritdoc/>
    public override void EndStep(DeviceRows logits) => clock.Advance(cost.Seconds(_load));

    /// <inheritdoc/>
    public override int Chosen(int output) => 3 + output;

    /// <inheritdoc/>
    public override void Dispose()
    {
        _pages?.Dispose();
        base.Dispose();
    }
}
