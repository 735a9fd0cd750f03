using NUnit.Framework;
using NUnit.Framework.Internal;

namespace SLoRA.Core.Tests.Backends.Gpu;

/// <summary>
/// The smallest cases of every kernel in ILGPU's simulation, in a process of its own: it needs no device, runs a thread per thread of a
/// group, and ends the process at the first index that is out of range.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class SimulationTests
{
    private static readonly Lazy<string> Output = new(() => ChildProcess.Run(Simulation.RunCases));

    private static IEnumerable<string> Names => Simulation.Cases.Keys;

    [TestCaseSource(nameof(Names))]
    public void Kernels_agree_with_the_Reference_in_the_simulation(string name) =>
        Assert.That(Output.Value.Split('\n'), Has.Member($"{name}: agrees"), Output.Value);

    [Test]
    public void An_index_out_of_range_ends_the_simulation()
    {
        string message;
        using (new TestExecutionContext.IsolatedContext())
        {
            // The failure of the process is what is wanted: it is not one of this test.
            message = Assert.Throws<AssertionException>(() => ChildProcess.Run(Simulation.ReadOutside))!.Message;
        }

        Assert.That(message, Does.Contain("Index out of range").And.Not.Contain("not seen"));
    }
}
