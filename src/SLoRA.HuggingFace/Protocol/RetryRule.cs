using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;

namespace SLoRA.HuggingFace.Protocol;

/// <summary>Which answers are worth another try, and when.</summary>
internal static partial class RetryRule
{
    /// <summary>Tries of one request, the first included.</summary>
    public const int MostAttempts = 6;

    /// <summary>Breaks of one transfer, one after the other, in which nothing new arrives.</summary>
    public const int MostBreaks = 5;

    /// <summary>The wait after a break.</summary>
    public static readonly TimeSpan AfterBreak = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(8);

    /// <summary>Whether the same request may be answered another time.</summary>
    public static bool IsTransient(HttpStatusCode status) => status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests
        or HttpStatusCode.InternalServerError or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable
        or HttpStatusCode.GatewayTimeout;

    /// <summary>The wait before the next try, where the answer does not ask for one.</summary>
    /// <param name="attempt">Tries so far, from 1 on.</param>
    public static TimeSpan Wait(int attempt)
    {
        TimeSpan doubled = TimeSpan.FromSeconds(1 << Math.Min(attempt - 1, 10));
        return doubled < Longest ? doubled : Longest;
    }

    /// <summary>
    /// The wait that an answer asks for; null when it asks for none. A second is added, since the Hub counts in whole ones.
    /// </summary>
    public static TimeSpan? Asked(HttpResponseMessage response, DateTimeOffset now)
    {
        if (response.StatusCode == HttpStatusCode.TooManyRequests
            && response.Headers.TryGetValues("RateLimit", out IEnumerable<string>? limits)
            && Reset().Match(string.Join(',', limits)) is { Success: true } match
            && int.TryParse(match.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out int seconds))
        {
            return TimeSpan.FromSeconds(seconds) + TimeSpan.FromSeconds(1);
        }

        RetryConditionHeaderValue? after = response.Headers.RetryAfter;
        TimeSpan? asked = after?.Delta ?? (after?.Date - now);
        return asked is { } wait ? (wait > TimeSpan.Zero ? wait : TimeSpan.Zero) + TimeSpan.FromSeconds(1) : null;
    }

    [GeneratedRegex(@";\s*t=(\d{1,9})\b")]
    private static partial Regex Reset();
}
