using System.Runtime.InteropServices;

namespace SLoRA.Native;

/// <summary>
/// Memory straight from the system, on Linux. The C library's allocator keeps what was freed below 32 MiB to hand it out again, and blocks
/// of many sizes then pin twice and three times the memory that is in use; what is mapped by itself goes back when it is freed.
/// </summary>
internal static unsafe partial class MappedMemory
{
    /// <summary>From so many bytes on a mapping is worth its system calls.</summary>
    private const long Smallest = 1 << 20;

    // <sys/mman.h>: PROT_READ | PROT_WRITE, and MAP_PRIVATE | MAP_ANONYMOUS on x64 and Arm64.
    private const int ReadWrite = 0x3;
    private const int PrivateAnonymous = 0x22;

    // MADV_DONTNEED and MADV_POPULATE_READ, the same on both.
    private const int DontNeed = 4;
    private const int PopulateRead = 22;

    /// <summary>
    /// Maps zeroed memory on a border of a memory page; null where that is not done for so many bytes, or refused: the system also limits
    /// their number.
    /// </summary>
    public static void* TryMap(long bytes)
    {
        if (bytes < Smallest || !OperatingSystem.IsLinux()
            || RuntimeInformation.ProcessArchitecture is not (Architecture.X64 or Architecture.Arm64))
        {
            return null;
        }

        void* mapped;
        try
        {
            mapped = Map(null, (nuint)bytes, ReadWrite, PrivateAnonymous, -1, 0);
        }
        catch (Exception exception) when (exception is DllNotFoundException or EntryPointNotFoundException)
        {
            return null;
        }

        if (mapped == (void*)-1)
        {
            return null;
        }

        LargePages.Advise((byte*)mapped, bytes);
        return mapped;
    }

    /// <summary>Looks up the pages of a mapped file now, so that no step has to. A refusal changes nothing but the speed.</summary>
    public static void Populate(byte* address, long bytes) => Advise(address, bytes, PopulateRead);

    /// <summary>
    /// The process no longer needs pages of a mapped file where they are: they stay in the system's cache, and count as no memory of this
    /// process until they are looked at again.
    /// </summary>
    public static void Leave(byte* address, long bytes)
    {
        // Whole pages only: others share the first and the last.
        nint size = Environment.SystemPageSize;
        nint begin = ((nint)address + size - 1) & -size, end = (nint)(address + bytes) & -size;
        if (begin < end)
        {
            Advise((byte*)begin, end - begin, DontNeed);
        }
    }

    /// <summary>Gives memory of <see cref="TryMap"/> back.</summary>
    public static void Unmap(void* address, long bytes) => _ = Unmap(address, (nuint)bytes);

    private static void Advise(byte* address, long bytes, int advice)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        try
        {
            _ = Advise(address, (nuint)bytes, advice);
        }
        catch (Exception exception) when (exception is DllNotFoundException or EntryPointNotFoundException)
        {
            // A C library of another name.
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint bytes, int advice);

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial void* Map(void* address, nuint bytes, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(void* address, nuint bytes);
}
