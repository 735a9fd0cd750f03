using System.Net;

namespace SLoRA.HuggingFace;

/// <summary>
/// A model or adapter could not be found in the cache or brought from the Hub. <see cref="SLoraException.Code"/> is the one that <see
/// cref="HubErrorKind"/> gives beside each kind; the message names the repository and the file. Files that are in the cache under their
/// names are whole, whatever was thrown.
/// </summary>
public sealed class HubException : SLoraException
{
    /// <summary>Creates the error.</summary>
    /// <param name="kind">What went wrong.</param>
    /// <param name="message">One sentence that names the offending value.</param>
    /// <param name="innerException">What caused it, if another error did.</param>
    public HubException(HubErrorKind kind, string message, Exception? innerException = null)
        : base(CodeOf(kind), CategoryOf(kind), message, innerException)
    {
        Kind = kind;
    }

    /// <summary>What went wrong.</summary>
    public HubErrorKind Kind { get; }

    /// <summary>The files that are missing or at fault, by their paths in the repository; empty where the error is about none.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];

    /// <summary>The status of the answer, where the Hub answered.</summary>
    public HttpStatusCode? Status { get; init; }

    /// <summary>How long the Hub wants to be left alone, where it said so.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The commit that has no such file, where the Hub said so.</summary>
    internal string? Commit { get; init; }

    private static string CodeOf(HubErrorKind kind) => kind switch
    {
        HubErrorKind.InvalidName => "hub.invalid-name",
        HubErrorKind.RepositoryNotCached => "hub.repository-not-cached",
        HubErrorKind.RevisionNotCached => "hub.revision-not-cached",
        HubErrorKind.Incomplete => "hub.incomplete",
        HubErrorKind.RepositoryNotFound => "hub.repository-not-found",
        HubErrorKind.RevisionNotFound => "hub.revision-not-found",
        HubErrorKind.FileNotFound => "hub.file-not-found",
        HubErrorKind.Gated => "hub.gated",
        HubErrorKind.Unauthorized => "hub.unauthorized",
        HubErrorKind.Unreachable => "hub.unreachable",
        HubErrorKind.Busy => "hub.busy",
        HubErrorKind.Protocol => "hub.protocol",
        HubErrorKind.UnsafeFile => "hub.unsafe-file",
        HubErrorKind.WrongContent => "hub.wrong-content",
        HubErrorKind.Disk => "hub.disk",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "not a kind of error"),
    };

    /// <summary>
    /// What names a thing wrongly is the caller's; what may work later is a lack of time; the rest is how the program is set up.
    /// </summary>
    private static ErrorCategory CategoryOf(HubErrorKind kind) => kind switch
    {
        HubErrorKind.InvalidName or HubErrorKind.RepositoryNotFound or HubErrorKind.RevisionNotFound or HubErrorKind.FileNotFound
            or HubErrorKind.UnsafeFile => ErrorCategory.Caller,
        HubErrorKind.Unreachable or HubErrorKind.Busy => ErrorCategory.Capacity,
        _ => ErrorCategory.Server,
    };
}
