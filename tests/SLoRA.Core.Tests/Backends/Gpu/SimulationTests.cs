using System.Diagnostics;
using NUnit.Framework;

namespace SLoRA.Core.Tests.Backends.Gpu;

/// <summary>
/// The smallest cases of every kernel in ILGPU's simulation, in a process of its own: it needs no device, runs a thread per thread of a group, and ends the
/// process at the first index that is out of range.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class SimulationTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);
    private static readonly Lazy<(int Exit, string Output)> All = new(() => Run());

    private static IEnumerable<string> Names => SimulationProgram.Cases.Keys;

    [TestCaseSource(nameof(Names))]
    public void Kernels_agree_with_the_Reference_in_the_simulation(string name) =>
        Assert.That(All.Value.Output.Split('\n'), Has.Member($"{name}: agrees"), All.Value.Output);

    [Test]
    public void The_simulation_ends_by_itself() => Assert.That(All.Value.Exit, Is.Zero, All.Value.Output);

    [Test]
    public void An_index_out_of_range_ends_the_simulation()
    {
        (int exit, string output) = Run("outside");
        Assert.That(exit, Is.Not.Zero);
        Assert.That(output, Does.Not.Contain("outside: not seen"));
    }

    private static (int Exit, string Output) Run(params ReadOnlySpan<string> arguments)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            // No core files of processes that are meant to end early.
            Environment = { ["DOTNET_DbgEnableMiniDump"] = "0" },
        };
        start.ArgumentList.Add("exec");
        start.ArgumentList.Add(typeof(SimulationProgram).Assembly.Location);
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Limit))
        {
            process.Kill(entireProcessTree: true);
            return (-1, $"{output.Result}{error.Result}not ended after {Limit}");
        }

        return (process.ExitCode, output.Result + error.Result);
    }
}
