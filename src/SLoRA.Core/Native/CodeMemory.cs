using System.Runtime.InteropServices;

namespace SLoRA.Native;

/// <summary>Memory that the processor may execute. It is written first and executable afterwards, never both, and stays for ever.</summary>
internal static unsafe partial class CodeMemory
{
    // <sys/mman.h>: the same on Linux and macOS but for MAP_ANONYMOUS.
    private const int ReadWrite = 0x3;
    private const int ReadExecute = 0x5;
    private const int Private = 0x2;
    private const int AnonymousOnLinux = 0x20;
    private const int AnonymousOnMac = 0x1000;

    // <memoryapi.h>
    private const uint CommitAndReserve = 0x3000;
    private const uint PageReadWrite = 0x04;
    private const uint PageExecuteRead = 0x20;

    /// <summary>Maps code.</summary>
    /// <param name="code">Instructions that work wherever they are put.</param>
    /// <param name="refusal">Why the system does not allow it, for people; null if it does.</param>
    /// <returns>The address of the first instruction; null if that is refused.</returns>
    public static byte* TryMap(ReadOnlySpan<byte> code, out string? refusal)
    {
        try
        {
            byte* address = OperatingSystem.IsWindows() ? OnWindows(code)
                : OperatingSystem.IsLinux() ? OnUnix(code, AnonymousOnLinux)
                : OperatingSystem.IsMacOS() ? OnUnix(code, AnonymousOnMac)
                : null;
            refusal = address is null ? "the system allows no memory that was written to become executable" : null;
            return address;
        }
        catch (Exception exception) when (exception is DllNotFoundException or EntryPointNotFoundException)
        {
            refusal = "the system's calls for executable memory are not known";
            return null;
        }
    }

    private static byte* OnUnix(ReadOnlySpan<byte> code, int anonymous)
    {
        nuint bytes = (nuint)code.Length;
        byte* address = (byte*)Map(null, bytes, ReadWrite, Private | anonymous, -1, 0);
        if (address == (byte*)-1)
        {
            return null;
        }

        code.CopyTo(new Span<byte>(address, code.Length));
        if (Protect(address, bytes, ReadExecute) == 0)
        {
            return address;
        }

        _ = Unmap(address, bytes);
        return null;
    }

    private static byte* OnWindows(ReadOnlySpan<byte> code)
    {
        nuint bytes = (nuint)code.Length;
        byte* address = (byte*)VirtualAlloc(null, bytes, CommitAndReserve, PageReadWrite);
        if (address is null)
        {
            return null;
        }

        // Where this is refused the few kilobytes stay taken; nothing asks twice.
        code.CopyTo(new Span<byte>(address, code.Length));
        uint before;
        if (VirtualProtect(address, bytes, PageExecuteRead, &before) == 0)
        {
            return null;
        }

        _ = FlushInstructionCache(-1, address, bytes);
        return address;
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial void* Map(void* address, nuint bytes, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(void* address, nuint bytes, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(void* address, nuint bytes);

    [LibraryImport("kernel32.dll")]
    private static partial void* VirtualAlloc(void* address, nuint bytes, uint type, uint protection);

    [LibraryImport("kernel32.dll")]
    private static partial int VirtualProtect(void* address, nuint bytes, uint protection, uint* before);

    [LibraryImport("kernel32.dll")]
    private static partial int FlushInstructionCache(nint process, void* address, nuint bytes);
}
