using System.Runtime.InteropServices;

namespace SLoRA.Core.Tests.Backends.Cpu.MachineCode;

/// <summary>
/// Memory whose last byte is followed by a page that nobody may touch: whoever reads or writes behind it ends the process. Linux only.
/// </summary>
internal sealed unsafe partial class GuardedMemory : IDisposable
{
    private const int Page = 4096;
    private const int ReadWrite = 0x3;
    private const int PrivateAnonymous = 0x22;

    private readonly byte* _mapped;
    private readonly nuint _bytes;

    public GuardedMemory(long bytes)
    {
        nuint whole = (nuint)((bytes + Page - 1) / Page * Page);
        _bytes = whole + Page;
        _mapped = (byte*)Map(null, _bytes, ReadWrite, PrivateAnonymous, -1, 0);
        if (_mapped == (byte*)-1 || Protect(_mapped + whole, Page, 0) != 0)
        {
            throw new InvalidOperationException("The system gives no guarded memory.");
        }

        Data = _mapped + whole - bytes;
    }

    /// <summary>The first byte.</summary>
    public byte* Data { get; }

    public void Dispose() => _ = Unmap(_mapped, _bytes);

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial void* Map(void* address, nuint bytes, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(void* address, nuint bytes, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(void* address, nuint bytes);
}
