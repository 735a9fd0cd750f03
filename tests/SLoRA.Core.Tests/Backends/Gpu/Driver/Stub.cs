using System.Runtime.InteropServices;
using NUnit.Framework;

namespace SLoRA.Core.Tests.Backends.Gpu.Driver;

/// <summary>What scenarios ask of the stub driver (driver.c), in whose process they run.</summary>
internal static partial class Stub
{
    private const string Library = "libcuda.so.1";

    /// <summary>CUDA_ERROR_OUT_OF_MEMORY.</summary>
    public const int OutOfMemory = 2;

    /// <summary>CUDA_ERROR_LAUNCH_FAILED, after which a context is of no use.</summary>
    public const int LaunchFailed = 719;

    private enum Kind
    {
        Context,
        DeviceMemory,
        HostMemory,
        Stream,
        Module,
        Function,
        Event,
        Access,
        Graph,
        Executable,
    }

    /// <summary>Calls of the driver since <see cref="Reset"/>.</summary>
    public static int Calls => (int)CallsSoFar();

    /// <summary>Calls with arguments that no driver takes, such as memory that was freed.</summary>
    public static int Misuses => (int)MisusesSoFar();

    /// <summary>Nobody has called the driver as no driver takes it.</summary>
    public static void CheckUse() => Assert.That(Misuses, Is.Zero, () => string.Join('\n', Log));

    /// <summary>Whether the call that was to fail has come.</summary>
    public static bool Fired => FiredSoFar() != 0;

    /// <summary>The log since <see cref="Reset"/>.</summary>
    public static string[] Log => (Marshal.PtrToStringUTF8(LogSoFar()) ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>
    /// What the driver has given and not got back, but for contexts: device memory, page-locked memory, streams, modules, events, graphs.
    /// </summary>
    public static string Left =>
        $"memory {Live(Kind.DeviceMemory)}, page-locked {Live(Kind.HostMemory)}, streams {Live(Kind.Stream)}, modules {Live(Kind.Module)}, "
        + $"events {Live(Kind.Event)}, graphs {Live(Kind.Graph) + Live(Kind.Executable)}";

    /// <summary>What <see cref="Left"/> says when there is nothing.</summary>
    public static string Nothing => "memory 0, page-locked 0, streams 0, modules 0, events 0, graphs 0";

    /// <summary>Graphs that can be launched.</summary>
    public static int Graphs => Live(Kind.Executable);

    /// <summary>Modules that are loaded.</summary>
    public static int Modules => Live(Kind.Module);

    /// <summary>Contexts that are open.</summary>
    public static int Contexts => Live(Kind.Context);

    /// <summary>Forgets log, counts and the failure that was asked for.</summary>
    [LibraryImport(Library, EntryPoint = "stub_reset")]
    public static partial void Reset();

    /// <summary>Lets a call fail.</summary>
    /// <param name="name">The entry point; empty for any.</param>
    /// <param name="at">Which call of it from now on, from 1.</param>
    /// <param name="code">What it answers.</param>
    /// <param name="forEver">1: the context answers the same from then on.</param>
    [LibraryImport(Library, EntryPoint = "stub_fail", StringMarshalling = StringMarshalling.Utf8)]
    public static partial void Fail(string name, nint at, int code, int forEver);

    [LibraryImport(Library, EntryPoint = "stub_calls")]
    private static partial nint CallsSoFar();

    [LibraryImport(Library, EntryPoint = "stub_misuses")]
    private static partial nint MisusesSoFar();

    [LibraryImport(Library, EntryPoint = "stub_fired")]
    private static partial int FiredSoFar();

    [LibraryImport(Library, EntryPoint = "stub_log")]
    private static partial nint LogSoFar();

    [LibraryImport(Library, EntryPoint = "stub_live")]
    private static partial int Live(Kind kind);
}
