using System.Net;
using SLoRA.HuggingFace.Names;

namespace SLoRA.HuggingFace.Protocol;

/// <summary>What an answer that is none means.</summary>
internal static class Refusal
{
    /// <summary>The error that an answer stands for.</summary>
    /// <param name="response">The answer.</param>
    /// <param name="subject">What was asked for, for the message.</param>
    /// <param name="retryAfter">The wait that it asks for.</param>
    public static HubException Of(HttpResponseMessage response, string subject, TimeSpan? retryAfter)
    {
        HttpStatusCode status = response.StatusCode;
        HubErrorKind kind = KindOf(status, Header(response, "X-Error-Code"));
        string said = Header(response, "X-Error-Message") is { Length: > 0 } message ? $": {Shown.Text(message)}" : ".";
        return new HubException(kind, $"{subject}: {Meaning(kind)} (status {(int)status}){said}")
        {
            Status = status,
            RetryAfter = retryAfter,
            Commit = Header(response, "X-Error-Code") == "EntryNotFound" ? Header(response, "X-Repo-Commit") : null,
        };
    }

    /// <summary>A header's value; null when there is none.</summary>
    public static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out IEnumerable<string>? values) ? values.FirstOrDefault() : null;

    private static HubErrorKind KindOf(HttpStatusCode status, string? code) => (status, code) switch
    {
        (HttpStatusCode.Unauthorized or HttpStatusCode.NotFound, "RepoNotFound") => HubErrorKind.RepositoryNotFound,
        (HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden, "GatedRepo") => HubErrorKind.Gated,
        (HttpStatusCode.NotFound, "RevisionNotFound") => HubErrorKind.RevisionNotFound,
        (HttpStatusCode.NotFound, _) => HubErrorKind.FileNotFound,
        (HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden, _) => HubErrorKind.Unauthorized,
        (HttpStatusCode.TooManyRequests, _) => HubErrorKind.Busy,
        (HttpStatusCode.RequestTimeout or >= HttpStatusCode.InternalServerError, _) => HubErrorKind.Unreachable,
        _ => HubErrorKind.Protocol,
    };

    private static string Meaning(HubErrorKind kind) => kind switch
    {
        HubErrorKind.RepositoryNotFound => "the Hub has no such repository, or does not show it to this token",
        HubErrorKind.Gated => "the repository is open only to accounts that its owner has let in",
        HubErrorKind.RevisionNotFound => "the repository has no such revision",
        HubErrorKind.FileNotFound => "the Hub has no such file",
        HubErrorKind.Unauthorized => "the Hub refuses it to this token",
        HubErrorKind.Busy => "the Hub wants fewer requests",
        HubErrorKind.Unreachable => "the Hub is out of order",
        _ => "the Hub's answer is not understood",
    };
}
