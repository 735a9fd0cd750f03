using System.Runtime.InteropServices;
using SLoRA.Errors;

namespace SLoRA.Formats;

/// <summary>
/// Why the system would not read a file, without its path: the system names files from the root on, and a message may be shown to somebody
/// who is not to learn where on a server they lie.
/// </summary>
internal static class FileProblem
{
    // Windows: the upper half of an HRESULT that carries an error code of the system in its lower half.
    private const int SystemErrors = unchecked((int)0x8007_0000);

    /// <summary>Whether an exception is the system's answer about a file.</summary>
    public static bool IsOne(Exception error) =>
        error is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException;

    /// <summary>The rest of a sentence that begins with the file.</summary>
    /// <param name="error">What the system answered.</param>
    /// <param name="done">What was to be done with the file.</param>
    public static string Of(Exception error, string done = "read") => error switch
    {
        FileNotFoundException or DirectoryNotFoundException => "does not exist",
        UnauthorizedAccessException => $"cannot be {done}: access is denied",
        PathTooLongException => $"cannot be {done}: its path is too long",
        EndOfStreamException => "became shorter while it was read",
        IOException when CodeOf(error.HResult) is { } code => $"cannot be {done}: {Marshal.GetPInvokeErrorMessage(code)}",
        IOException => $"cannot be {done}",
        NotSupportedException => $"cannot be {done}: {Shown.Text(error.Message)}",
        _ => $"cannot be {done}: its path is not one of a file",
    };

    // On other systems than Windows the HRESULT is the system's error code itself, or one of .NET's own, which is negative.
    private static int? CodeOf(int result) =>
        (result & unchecked((int)0xFFFF_0000)) == SystemErrors ? result & 0xFFFF : result > 0 ? result : null;
}
