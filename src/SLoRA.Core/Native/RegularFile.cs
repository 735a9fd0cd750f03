using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace SLoRA.Native;

/// <summary>
/// Opens files that strangers put in place, without ever waiting for the other end of a pipe and without touching what a device gives. On
/// Linux it is the open handle that is asked what it is, so nothing can be exchanged between the look and the opening; elsewhere the look
/// comes first.
/// </summary>
internal static unsafe partial class RegularFile
{
    // <fcntl.h> and <sys/stat.h> of Linux; the only one that differs between x64 and Arm64 is O_NOFOLLOW.
    private const int NonBlocking = 0x800;
    private const int CloseOnExec = 0x80000;
    private const int NoFollowX64 = 0x20000;
    private const int NoFollowArm64 = 0x8000;
    private const int EmptyPath = 0x1000;
    private const uint TypeMask = 0x1;

    // struct statx is the same on every architecture: stx_mode lies at byte 28 of 256, and its upper four bits say what kind of file it is.
    private const int StatBytes = 256;
    private const int ModeOffset = 28;
    private const int KindMask = 0xF000;
    private const int Regular = 0x8000;

    private const int NotPermitted = 1;
    private const int NoEntry = 2;
    private const int Interrupted = 4;
    private const int AccessDenied = 13;
    private const int NotADirectory = 20;
    private const int TooManyLinks = 40;

    /// <summary>Opens a file for reading.</summary>
    /// <param name="path">The file.</param>
    /// <param name="followsLinks">Whether the file itself may be a symbolic link. The folders that lead to it may be in either
    /// case.</param>
    /// <param name="share">What others may do with it meanwhile, on systems that can forbid it.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="UnauthorizedAccessException">It must not be read.</exception>
    /// <exception cref="NotSupportedException">It is a pipe, a device, a folder, or a link that must not be one.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static SafeFileHandle Open(string path, bool followsLinks = true, FileShare share = FileShare.ReadWrite | FileShare.Delete)
    {
        if (path.Contains('\0'))
        {
            throw new NotSupportedException("the path has a null character");
        }

        return (OperatingSystem.IsLinux() ? OpenOnLinux(path, followsLinks) : null) ?? OpenAfterLook(path, followsLinks, share);
    }

    /// <summary>Null where the system's calls are not known, or are refused by a filter.</summary>
    private static SafeFileHandle? OpenOnLinux(string path, bool followsLinks)
    {
        int? noFollow = RuntimeInformation.ProcessArchitecture switch
        {
            Architecture.X64 => NoFollowX64,
            Architecture.Arm64 => NoFollowArm64,
            _ => null,
        };
        if (noFollow is null)
        {
            return null;
        }

        SafeFileHandle? handle = null;
        try
        {
            int flags = NonBlocking | CloseOnExec | (followsLinks ? 0 : noFollow.Value);
            int descriptor;
            int code = 0;
            do
            {
                descriptor = OpenFile(path, flags);
                code = descriptor < 0 ? Marshal.GetLastPInvokeError() : 0;
            }
            while (code == Interrupted);
            if (descriptor < 0)
            {
                throw Error(path, code, followsLinks);
            }

            handle = new SafeFileHandle(descriptor, ownsHandle: true);
            byte* stat = stackalloc byte[StatBytes];
            if (Stat(descriptor, "", EmptyPath, TypeMask, stat) != 0)
            {
                handle.Dispose();
                return null;
            }

            int mode = BinaryPrimitives.ReadUInt16LittleEndian(new ReadOnlySpan<byte>(stat + ModeOffset, sizeof(ushort)));
            return (mode & KindMask) == Regular ? handle : throw NotAFile();
        }
        catch (Exception error) when (error is DllNotFoundException or EntryPointNotFoundException)
        {
            handle?.Dispose();
            return null;
        }
        catch
        {
            handle?.Dispose();
            throw;
        }
    }

    /// <summary>What a pipe or device has no length of is not opened: opening it could wait for ever.</summary>
    private static SafeFileHandle OpenAfterLook(string path, bool followsLinks, FileShare share)
    {
        var file = new FileInfo(path);
        if (file.LinkTarget is not null && !followsLinks)
        {
            throw NotAFile();
        }

        FileSystemInfo target = File.ResolveLinkTarget(path, returnFinalTarget: true) ?? file;
        if (target is not FileInfo { Exists: true, Length: var length })
        {
            throw Directory.Exists(path) ? NotAFile() : new FileNotFoundException(null, path);
        }

        SafeFileHandle? handle = null;
        try
        {
            handle = length > 0 ? File.OpenHandle(path, FileMode.Open, FileAccess.Read, share) : throw NotAFile();
            _ = RandomAccess.GetLength(handle);
            return handle;
        }
        catch
        {
            handle?.Dispose();
            throw;
        }
    }

    private static Exception Error(string path, int code, bool followsLinks) => code switch
    {
        NoEntry or NotADirectory => new FileNotFoundException(null, path),
        NotPermitted or AccessDenied => new UnauthorizedAccessException(Marshal.GetPInvokeErrorMessage(code)),
        TooManyLinks when !followsLinks => NotAFile(),
        _ => new IOException(Marshal.GetPInvokeErrorMessage(code), code),
    };

    private static NotSupportedException NotAFile() => new("it is a pipe, a device, a folder or a link in the place of a file");

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenFile(string path, int flags);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Stat(int directory, string path, int flags, uint mask, byte* result);
}
