using NUnit.Framework;

namespace SLoRA.Core.Tests.Backends.Gpu.Driver;

/// <summary>What the host's side of the Gpu backend tells the driver.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class StepSequenceTests
{
    [Test]
    public void A_step_is_one_upload_the_kernels_in_order_one_download_and_one_wait() => StubDriver.Run(StepScenarios.Sequence);

    [Test]
    public void A_step_has_no_more_launches_than_its_budget() => StubDriver.Run(StepScenarios.Launches);

    [Test]
    public void A_step_allocates_no_byte_after_the_first_ones() =>
        StubDriver.Run(StepScenarios.Allocations, ("DOTNET_TieredCompilation", "0"));

    [Test]
    public void Weights_pool_and_activations_are_one_allocation_each_and_all_come_back() => StubDriver.Run(StepScenarios.Memory);
}
