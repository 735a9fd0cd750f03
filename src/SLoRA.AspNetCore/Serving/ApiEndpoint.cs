using System.Globalization;
using SLoRA.AspNetCore.Errors;
using SLoRA.AspNetCore.Json;

namespace SLoRA.AspNetCore.Serving;

/// <summary>Answers every request, whatever its handler throws.</summary>
internal static class ApiEndpoint
{
    /// <summary>
    /// A handler whose errors become answers: a status and an error object, or the last event of a stream that has begun.
    /// </summary>
    public static RequestDelegate Of(ModelServer server, Func<HttpContext, ModelServer, Task> handle) => async http =>
    {
        try
        {
            await handle(http, server).ConfigureAwait(false);
        }
        catch (Exception) when (http.RequestAborted.IsCancellationRequested)
        {
            if (!http.Response.HasStarted)
            {
                http.Response.StatusCode = ApiError.ClientClosedRequest;
            }
        }
        catch (Exception error)
        {
            await AnswerAsync(http, server, error).ConfigureAwait(false);
        }
    };

    private static async Task AnswerAsync(HttpContext http, ModelServer server, Exception error)
    {
        ApiError answer = ApiError.Of(error);
        if (answer.Status >= StatusCodes.Status500InternalServerError)
        {
            ILogger? logger = http.RequestServices.GetService<ILoggerFactory>()?.CreateLogger(Log.Category);
            Log.RequestFailed(logger, error, answer.Body.Error.Code!);
        }

        try
        {
            if (http.Response.HasStarted)
            {
                using var events = new EventStream(http);
                await events.SendAsync(answer.Body, ApiJson.Default.ErrorBody).ConfigureAwait(false);
                return;
            }

            http.Response.Clear();
            http.Response.StatusCode = answer.Status;
            if (answer.CanRetry)
            {
                long seconds = (long)Math.Ceiling(server.Options.RetryAfter.TotalSeconds);
                http.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
            }

            await JsonAnswer.WriteAsync(http, answer.Body, ApiJson.Default.ErrorBody).ConfigureAwait(false);
        }
        catch (Exception gone) when (gone is OperationCanceledException or IOException)
        {
            // Nobody is there to be told.
        }
    }
}
