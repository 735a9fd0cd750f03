using System.Runtime.InteropServices;

namespace SLoRA.Native;

/// <summary>Memory pages of 2 MiB where the system has them and waits to be asked: Linux with transparent large pages on advice.</summary>
internal static unsafe partial class LargePages
{
    /// <summary>Bytes of a large page, and the alignment of memory that is to consist of them.</summary>
    public const int Bytes = 2 << 20;

    // MADV_HUGEPAGE of <sys/mman.h>, the same on every architecture that Linux runs .NET on.
    private const int Huge = 14;

    /// <summary>Asks for large pages for memory that nobody has touched yet. Where there are none, small ones do the same.</summary>
    public static void Advise(byte* address, long bytes)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        try
        {
            // Advice: a refusal changes nothing but the speed.
            _ = Advise(address, (nuint)bytes, Huge);
        }
        catch (Exception exception) when (exception is DllNotFoundException or EntryPointNotFoundException)
        {
            // A C library of another name.
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint bytes, int advice);
}
