using NUnit.Framework;

namespace SLoRA.Core.Tests.Backends.Gpu.Driver;

/// <summary>Decode steps as CUDA graphs: what the driver is told, what fails, what comes back.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class GraphTests
{
    [Test]
    public void A_decode_step_is_one_upload_one_graph_one_download_and_one_wait() => StubDriver.Run(GraphScenarios.Steps);

    [Test]
    public void A_step_that_is_a_graph_allocates_no_byte() =>
        StubDriver.Run(GraphScenarios.Allocations, ("DOTNET_TieredCompilation", "0"));

    [Test]
    public void A_graph_that_cannot_be_made_is_launches_and_one_that_cannot_be_launched_is_a_fault() =>
        StubDriver.Run(GraphScenarios.Faults);

    [Test]
    public void An_engine_takes_the_kernels_that_one_before_has_left_on_the_device() => StubDriver.Run(GraphScenarios.Modules);
}
