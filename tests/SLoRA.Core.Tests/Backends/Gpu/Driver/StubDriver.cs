using System.Collections.Concurrent;
using System.Diagnostics;
using NUnit.Framework;

namespace SLoRA.Core.Tests.Backends.Gpu.Driver;

/// <summary>Compiles the stub driver once, when a test first wants it; without a C compiler such tests are skipped.</summary>
[SetUpFixture]
public sealed class StubDriver
{
    private static readonly string Source = RepositoryFolder.Fixture("..", "SLoRA.Core.Tests", "Backends", "Gpu", "Driver");

    private static readonly Lazy<string> _folder = new(Compile);

    private static readonly ConcurrentDictionary<string, ScenarioProcess> _processes = [];

    /// <summary>The folder of the stub of cuBLAS.</summary>
    internal static string BlasFolder => Path.Combine(_folder.Value, "blas");

    /// <summary>The folder of the stub of NCCL.</summary>
    internal static string NcclFolder => Path.Combine(_folder.Value, "nccl");

    /// <summary>A folder whose driver libraries cannot be loaded, whatever the machine has installed.</summary>
    internal static string EmptyFolder => Path.Combine(_folder.Value, "none");

    [OneTimeTearDown]
    public void Remove()
    {
        foreach (ScenarioProcess process in _processes.Values)
        {
            process.Dispose();
        }

        if (_folder.IsValueCreated)
        {
            Directory.Delete(_folder.Value, recursive: true);
        }
    }

    /// <summary>Runs a scenario over the stub, in the process that such scenarios share.</summary>
    /// <param name="scenario">A static method without parameters.</param>
    /// <param name="environment">
    /// Variables of its environment. Those of the stub and of tests hold for this scenario; any other, such as where a library is or how
    /// the runtime compiles, holds for a process, which scenarios with the same ones share.
    /// </param>
    internal static string Run(Delegate scenario, params ReadOnlySpan<(string Name, string Value)> environment)
    {
        (string Name, string Value)[] all = environment.ToArray();
        (string Name, string Value)[] lasting =
            [("LD_LIBRARY_PATH", _folder.Value), .. all.Where(variable => !IsOfScenario(variable.Name))];
        return _processes.GetOrAdd(string.Join('\n', lasting), _ => new ScenarioProcess(Stub.Reset, Stub.CheckUse, lasting))
            .Run(scenario, [.. all.Where(variable => IsOfScenario(variable.Name))]);
    }

    /// <summary>Runs a scenario in a process of its own: for those about the driver's beginning.</summary>
    internal static string RunAlone(Delegate scenario, params ReadOnlySpan<(string Name, string Value)> environment) =>
        ChildProcess.Run(scenario, [("LD_LIBRARY_PATH", _folder.Value), .. environment]);

    private static bool IsOfScenario(string name) =>
        name.StartsWith("STUB_", StringComparison.Ordinal) || name.StartsWith("TEST_", StringComparison.Ordinal);

    private static string Compile()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Ignore("The stub driver stands in for libcuda.so.1, which only Linux has.");
        }

        string folder = Directory.CreateTempSubdirectory("slora-stub-").FullName;
        string blas = Directory.CreateDirectory(Path.Combine(folder, "blas")).FullName;
        string nccl = Directory.CreateDirectory(Path.Combine(folder, "nccl")).FullName;
        string none = Directory.CreateDirectory(Path.Combine(folder, "none")).FullName;
        foreach (string name in (string[])["libcuda.so.1", "libcuda.so", "libOpenCL.so.1", "libOpenCL.so"])
        {
            File.WriteAllText(Path.Combine(none, name), "This is no library.");
        }

        Gcc("-o", Path.Combine(folder, "libcuda.so.1"), Path.Combine(Source, "driver.c"), "-lpthread");
        Gcc("-o", Path.Combine(blas, "libcublas.so.13"), Path.Combine(Source, "cublas.c"), "-L" + folder, "-l:libcuda.so.1");
        Gcc("-o", Path.Combine(nccl, "libnccl.so.2"), Path.Combine(Source, "nccl.c"), "-L" + folder, "-l:libcuda.so.1");
        return folder;
    }

    private static void Gcc(params ReadOnlySpan<string> arguments)
    {
        var start = new ProcessStartInfo("gcc", ["-O1", "-shared", "-fPIC", .. arguments]) { RedirectStandardError = true };
        try
        {
            using Process process = Process.Start(start)!;
            string errors = process.StandardError.ReadToEnd();
            process.WaitForExit();
            Assert.That(process.ExitCode, Is.Zero, errors);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Ignore("There is no gcc, which compiles the stub driver.");
        }
    }
}
