using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace SLoRA.Text.Tokenization.Reading;

/// <summary>
/// Reads whole files of a folder that others fill. Opening never waits, so that a pipe without a writer hangs nobody; what is no regular
/// file is refused, which is asked of the opened handle, as the name may stand for something else by then.
/// </summary>
internal static class RegularFile
{
    // O_RDONLY | O_NONBLOCK | O_CLOEXEC
    private static readonly int OpenFlags = OperatingSystem.IsMacOS() ? 0x4 | 0x1000000 : 0x800 | 0x80000;

    /// <param name="path">The file.</param>
    /// <param name="maxBytes">A larger one is refused before anything is read.</param>
    /// <exception cref="TokenizerException">
    /// <c>tokenizer.file</c>: it cannot be read or is no regular file; <c>tokenizer.limit</c>: it is too large.
    /// </exception>
    public static byte[] Read(string path, long maxBytes)
    {
        try
        {
            using SafeFileHandle handle = Open(path);
            using var stream = new FileStream(handle, FileAccess.Read, bufferSize: 0);
            if (!stream.CanSeek)
            {
                throw new TokenizerException(
                "tokenizer.file", $"The file '{path}' is a pipe or a device, and only regular files are read.");
            }

            if (stream.Length > maxBytes)
            {
                throw TokenizerException.Limit(
                $"The file '{path}' has {stream.Length} bytes, and {maxBytes} are possible.");
            }

            // The length counts, not the end: a device has none, and a file can grow while it is read.
            byte[] content = new byte[stream.Length];
            stream.ReadExactly(content);
            return content;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new TokenizerException("tokenizer.file", $"The file '{path}' cannot be read: {e.Message}", e);
        }
    }

    private static SafeFileHandle Open(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return File.OpenHandle(path);
        }

        int descriptor = OpenDescriptor([.. Encoding.UTF8.GetBytes(path), 0], OpenFlags);
        if (descriptor >= 0)
        {
            return new SafeFileHandle(descriptor, ownsHandle: true);
        }

        throw new IOException(Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError()));
    }

    // The platform's own way opens as a reader does, and a pipe's reader waits for a writer.
    [DllImport("libc", EntryPoint = "open", SetLastError = true)]
    private static extern int OpenDescriptor(byte[] path, int flags);
}
