using SLoRA.Errors;

namespace SLoRA.Formats;

/// <summary>
/// What the readers of this folder throw. It does not know whether a model or an adapter is being read: each of the two loaders
/// catches it in one place and rethrows it as its own public exception, with the same kind, file and subject.
/// </summary>
internal sealed class FormatError : Exception
{
    private const int LongestPath = 4096;

    /// <param name="kind">What is wrong.</param>
    /// <param name="file">The path of the file at fault, as the host program would know it; null if the subject says which it is.</param>
    /// <param name="subject">The tensor, key or file name at fault, or null if the whole file is.</param>
    /// <param name="problem">The rest of a sentence that begins with the subject (or, without one, with the file).</param>
    /// <param name="cause">The error underneath, if there is one.</param>
    public FormatError(LoadErrorKind kind, string? file, string? subject, string problem, Exception? cause = null)
        : base(
            (file is null ? "" : Shown.Text(file, LongestPath) + ": ") + (subject is null ? "" : Shown.Name(subject) + " ") + problem,
            cause)
    {
        Kind = kind;
        File = file;
        Subject = subject;
    }

    public LoadErrorKind Kind { get; }

    public string? File { get; }

    public string? Subject { get; }
}
