using System.Globalization;
using NUnit.Framework;

namespace SLoRA.Core.Tests.Backends.Gpu.Driver;

/// <summary>Drivers that fail at one call after the other: typed errors, nothing left behind, and a process that goes on.</summary>
/// <remarks>By default at every seventh call, which still is one of each kind; at every third in the long sets.</remarks>
[Parallelizable(ParallelScope.All)]
public sealed class DriverFaultTests
{
    [TestCase(7)]
    [TestCase(3, Category = "Long")]
    public void Building_that_runs_out_of_memory_at_any_call_gives_everything_back(int every) => Run(FaultScenarios.BuildRunsOut, every);

    [TestCase(7)]
    [TestCase(3, Category = "Long")]
    public void Building_on_a_device_that_breaks_at_any_call_gives_everything_back(int every) => Run(FaultScenarios.BuildBreaks, every);

    [TestCase(7)]
    [TestCase(3, Category = "Long")]
    public void A_step_that_fails_at_any_call_ends_the_streams_and_not_the_process(int every) => Run(FaultScenarios.StepFails, every);

    [Test]
    public void After_a_fault_the_next_engine_gets_a_new_context() => StubDriver.Run(FaultScenarios.NewContext);

    private static void Run(Delegate scenario, int every) =>
        StubDriver.Run(scenario, (FaultScenarios.EveryVariable, every.ToString(CultureInfo.InvariantCulture)));
}
