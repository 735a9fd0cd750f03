using System.Runtime.InteropServices;

namespace SLoRA.Native;

/// <summary>Which processors the calling thread may run on; Linux only.</summary>
internal static unsafe partial class ThreadAffinity
{
    /// <summary>Processors that there is room for.</summary>
    public const int Processors = 4096;

    private const int Words = Processors / 64;

    /// <summary>The processors that the calling thread may run on; null where the system does not say.</summary>
    public static HashSet<int>? Get()
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        ulong* mask = stackalloc ulong[Words];
        new Span<ulong>(mask, Words).Clear();
        try
        {
            if (Get(0, Words * sizeof(ulong), mask) < 0)
            {
                return null;
            }
        }
        catch (Exception exception) when (exception is DllNotFoundException or EntryPointNotFoundException)
        {
            return null;
        }

        var processors = new HashSet<int>();
        for (int processor = 0; processor < Processors; processor++)
        {
            if (((mask[processor / 64] >> (processor % 64)) & 1) != 0)
            {
                processors.Add(processor);
            }
        }

        return processors;
    }

    /// <summary>Keeps the calling thread on some processors; false if the system refuses.</summary>
    public static bool Set(IEnumerable<int> processors)
    {
        if (!OperatingSystem.IsLinux())
        {
            return false;
        }

        ulong* mask = stackalloc ulong[Words];
        new Span<ulong>(mask, Words).Clear();
        foreach (int processor in processors)
        {
            mask[processor / 64] |= 1UL << (processor % 64);
        }

        try
        {
            return Set(0, Words * sizeof(ulong), mask) == 0;
        }
        catch (Exception exception) when (exception is DllNotFoundException or EntryPointNotFoundException)
        {
            return false;
        }
    }

    [LibraryImport("libc", EntryPoint = "sched_getaffinity")]
    private static partial int Get(int thread, nuint bytes, ulong* mask);

    [LibraryImport("libc", EntryPoint = "sched_setaffinity")]
    private static partial int Set(int thread, nuint bytes, ulong* mask);
}
