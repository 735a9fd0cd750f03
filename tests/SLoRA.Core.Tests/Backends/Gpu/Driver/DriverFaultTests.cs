using NUnit.Framework;

namespace SLoRA.Core.Tests.Backends.Gpu.Driver;

/// <summary>Drivers that fail: typed errors, nothing left behind, and a process that goes on.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class DriverFaultTests
{
    [Test]
    public void Building_that_runs_out_of_memory_at_any_call_gives_everything_back() => StubDriver.Run(FaultScenarios.BuildRunsOut);

    [Test]
    public void Building_on_a_device_that_breaks_at_any_call_gives_everything_back() => StubDriver.Run(FaultScenarios.BuildBreaks);

    [Test]
    public void A_step_that_fails_at_any_call_ends_the_streams_and_not_the_process() => StubDriver.Run(FaultScenarios.StepFails);

    [Test]
    public void After_a_fault_the_next_engine_gets_a_new_context() => StubDriver.Run(FaultScenarios.NewContext);
}
