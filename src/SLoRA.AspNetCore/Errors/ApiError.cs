using System.Text.Json;
using SLoRA.AspNetCore.Json;

namespace SLoRA.AspNetCore.Errors;

/// <summary>What an error becomes: a status and OpenAI's error object.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Body">The object.</param>
/// <param name="CanRetry">Whether the same request may succeed a little later.</param>
internal sealed record ApiError(int Status, ErrorBody Body, bool CanRetry = false)
{
    /// <summary>nginx's status for a client that has gone; nobody sees it but logs and metrics.</summary>
    public const int ClientClosedRequest = 499;

    private const string InvalidRequest = "invalid_request_error";

    /// <summary>The answer to an error.</summary>
    public static ApiError Of(Exception error) => error switch
    {
        ApiException refused => New(refused.Status, InvalidRequest, refused.Code, refused.Message, refused.Parameter),
        JsonException unreadable => New(
            StatusCodes.Status400BadRequest, InvalidRequest, "invalid_json", JsonProblem(unreadable), JsonMember(unreadable)),
        BadHttpRequestException bad => New(
            bad.StatusCode, InvalidRequest, bad.StatusCode == StatusCodes.Status413PayloadTooLarge ? "body_too_large" : "bad_request",
            bad.Message),
        AdapterNotFoundException missing => Of(ApiException.UnknownModel(missing.Adapter)),
        InvalidRequestException invalid => New(
            StatusCodes.Status400BadRequest, InvalidRequest, invalid.Code, invalid.Message, ParameterNames.Of(invalid.Parameter)),
        EngineBusyException busy => New(
            StatusCodes.Status429TooManyRequests, "rate_limit_error", busy.Code, busy.Message) with
        { CanRetry = true },
        DeadlineExceededException late => New(StatusCodes.Status504GatewayTimeout, "timeout_error", late.Code, late.Message),
        EngineDrainingException or EngineDisposedException => New(
            StatusCodes.Status503ServiceUnavailable, "service_unavailable_error", ((SLoraException)error).Code,
            "The server is stopping and takes no more requests.") with
        { CanRetry = true },
        // What an adapter's files hold is told to those who bring them, not to those who ask it.
        AdapterLoadException unusable => Server(unusable.Code),
        SLoraException { Category: ErrorCategory.Caller } asked => New(
            StatusCodes.Status400BadRequest, InvalidRequest, asked.Code, asked.Message),
        SLoraException { Category: ErrorCategory.Capacity } full => New(
            StatusCodes.Status503ServiceUnavailable, "service_unavailable_error", full.Code, full.Message) with
        { CanRetry = true },
        SLoraException fault => Server(fault.Code),
        _ => Server("server_error"),
    };

    /// <summary>Paths and names inside the server stay in its log.</summary>
    private static ApiError Server(string code) =>
        New(StatusCodes.Status500InternalServerError, "server_error", code, "The server had an error while processing the request.");

    private static ApiError New(int status, string type, string code, string message, string? parameter = null) =>
        new(status, new ErrorBody(new ErrorDetail(message, type, parameter, code)));

    private static string JsonProblem(JsonException error) =>
        error.Path is { Length: > 1 } path ? $"The body is not what is expected at {path}." : "The body is no JSON object.";

    private static string? JsonMember(JsonException error)
    {
        if (error.Path is not { Length: > 2 } path)
        {
            return null;
        }

        string member = path[2..];
        int end = member.AsSpan().IndexOfAny('.', '[');
        return end < 0 ? member : member[..end];
    }
}
