using System.Globalization;
using NUnit.Framework;

namespace SLoRA.Core.Tests.Backends.Gpu.Driver;

/// <summary>Drivers that fail at one call after the other: typed errors, nothing left behind, and a process that goes on.</summary>
/// <remarks>By default at every seventh call from the first, which still is one of each kind; at as many others in the long sets.</remarks>
[Parallelizable(ParallelScope.All)]
public sealed class DriverFaultTests
{
    [TestCase(1)]
    [TestCase(4, Category = "Longest")]
    public void Building_that_runs_out_of_memory_at_any_call_gives_everything_back(int first) => Run(FaultScenarios.BuildRunsOut, first);

    [TestCase(1)]
    [TestCase(4, Category = "Longest")]
    public void Building_on_a_device_that_breaks_at_any_call_gives_everything_back(int first) => Run(FaultScenarios.BuildBreaks, first);

    [TestCase(1)]
    [TestCase(4, Category = "Longest")]
    public void A_step_that_fails_at_any_call_ends_the_streams_and_not_the_process(int first) => Run(FaultScenarios.StepFails, first);

    [Test]
    public void After_a_fault_the_next_engine_gets_a_new_context() => StubDriver.Run(FaultScenarios.NewContext);

    private static void Run(Delegate scenario, int first) =>
        StubDriver.Run(scenario, (FaultScenarios.FirstVariable, first.ToString(CultureInfo.InvariantCulture)));
}
