using System.Net;
using System.Net.Http.Headers;
using Microsoft.Extensions.Logging;

namespace SLoRA.HuggingFace.Protocol;

/// <summary>
/// Sends requests: follows redirections without ever giving the token to another host, repeats what is worth it, and makes errors of
/// refusals. Thread-safe.
/// </summary>
internal sealed class HubConnection(HttpClient http, HubOptions options, ILogger logger)
{
    private const int MostRedirections = 5;
    private static readonly ProductInfoHeaderValue Agent =
        new("SLoRA.HuggingFace", typeof(HubConnection).Assembly.GetName().Version!.ToString(3));

    private readonly AuthenticationHeaderValue? _token = HubEnvironment.Clean(options.Token) is { } token ? new("Bearer", token) : null;
    private readonly string _base = options.Endpoint.AbsoluteUri.TrimEnd('/');

    /// <summary>An address of the Hub.</summary>
    /// <param name="path">What comes behind the endpoint, escaped, with a slash in front.</param>
    public Uri AddressOf(string path) => new(_base + path);

    /// <summary>Whether an address is the Hub's own: same scheme, same host, same port.</summary>
    public bool IsHub(Uri address) =>
        address.Scheme == options.Endpoint.Scheme && address.Port == options.Endpoint.Port
        && string.Equals(address.IdnHost, options.Endpoint.IdnHost, StringComparison.OrdinalIgnoreCase);

    /// <summary>Waits until something has passed that the Hub, or a rule, asks for.</summary>
    public Task WaitAsync(TimeSpan time, CancellationToken cancellation) => Task.Delay(time, options.Clock, cancellation);

    /// <summary>Sends a request until it is answered. The answer's body has not been read.</summary>
    /// <exception cref="HubException">It was refused, or not answered.</exception>
    public async Task<HttpResponseMessage> SendAsync(HubRequest request, CancellationToken cancellation)
    {
        for (int attempt = 1; ; attempt++)
        {
            HubException failure;
            TimeSpan? asked = null;
            bool isTransient = true;
            try
            {
                HttpResponseMessage response = await FollowAsync(request, cancellation).ConfigureAwait(false);
                if (response.IsSuccessStatusCode || IsRedirection(response.StatusCode))
                {
                    return response;
                }

                using (response)
                {
                    asked = RetryRule.Asked(response, options.Clock.GetUtcNow());
                    failure = Refusal.Of(response, request.Subject, asked);
                    isTransient = RetryRule.IsTransient(response.StatusCode);
                }
            }
            catch (Exception error) when (IsFailureOfNetwork(error, cancellation))
            {
                cancellation.ThrowIfCancellationRequested();
                failure = Unreachable(request.Subject, error);
            }

            TimeSpan wait = asked ?? RetryRule.Wait(attempt);
            if (!isTransient || attempt >= request.Attempts || wait > options.MaxRetryWait)
            {
                throw failure;
            }

            Log.Retries(logger, failure.Message, wait);
            request.Waits?.Invoke();
            await WaitAsync(wait, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Whether an error means that the other side could not be reached or went silent, rather than that the caller gave up.
    /// </summary>
    public static bool IsFailureOfNetwork(Exception error, CancellationToken cancellation) =>
        error is HttpRequestException or IOException || (error is OperationCanceledException && !cancellation.IsCancellationRequested);

    /// <summary>The error of an address that does not answer.</summary>
    public static HubException Unreachable(string subject, Exception error)
    {
        string problem = error is OperationCanceledException ? "no answer came in time" : Names.Shown.Text(error.Message);
        return new HubException(HubErrorKind.Unreachable, $"{subject}: the Hub cannot be reached: {problem}", error);
    }

    private static bool IsRedirection(HttpStatusCode status) => status is HttpStatusCode.MovedPermanently or HttpStatusCode.Found
        or HttpStatusCode.SeeOther or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect;

    private async Task<HttpResponseMessage> FollowAsync(HubRequest request, CancellationToken cancellation)
    {
        Uri address = request.Address;
        bool hasToken = IsHub(address);
        for (int hops = 0; ; hops++)
        {
            HttpResponseMessage response = await SendOnceAsync(request, address, hasToken, cancellation).ConfigureAwait(false);
            if (!IsRedirection(response.StatusCode))
            {
                return response;
            }

            Uri? next = response.Headers.Location is { } location ? TargetOf(address, location) : null;
            if (next is not null && request.StaysAtHub && !IsHub(next))
            {
                return response;
            }

            response.Dispose();
            string? problem = next switch
            {
                null => "without saying where",
                { Scheme: not ("http" or "https") } => "to an address that is not of the web",
                { Scheme: "http" } when address.Scheme == "https" => "from a protected connection to an open one",
                _ => hops == MostRedirections ? "again and again" : null,
            };
            if (problem is not null)
            {
                throw new HubException(HubErrorKind.Protocol, $"{request.Subject}: the Hub redirects {problem}.");
            }

            // Once away, it stays away: another host must not send the token where it likes.
            hasToken = hasToken && IsHub(next!);
            address = next!;
        }
    }

    /// <summary>Where a redirection leads; null where it is no address, or one of a host that cannot be.</summary>
    private static Uri? TargetOf(Uri address, Uri location)
    {
        try
        {
            var target = new Uri(address, location);
            return target.IdnHost is null ? null : target;
        }
        catch (UriFormatException)
        {
            return null;
        }
    }

    private async Task<HttpResponseMessage> SendOnceAsync(HubRequest request, Uri address, bool hasToken, CancellationToken cancellation)
    {
        using var message = new HttpRequestMessage(request.Method, address);
        message.Headers.UserAgent.Add(Agent);

        // Sizes and ranges are those of the file itself.
        message.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
        message.Headers.Authorization = hasToken ? _token : null;
        message.Headers.Range = request.Range is { } range ? new RangeHeaderValue(range.First, range.Last) : null;

        using var timeout = new CancellationTokenSource(options.AnswerTimeout, options.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timeout.Token);
        HttpResponseMessage response =
            await http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, either.Token).ConfigureAwait(false);
        if (response.RequestMessage?.RequestUri is { } answered && answered != address)
        {
            response.Dispose();
            throw new InvalidOptionException(
                "Hub.HttpClient",
                "The HttpClient follows redirections by itself and hides what the Hub says in them; give it a HubClient.CreateHandler().");
        }

        return response;
    }
}
