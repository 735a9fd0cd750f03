using System.Globalization;

namespace SLoRA;

/// <summary>
/// The consumer of a stream has taken no token for <see cref="SchedulingOptions.ConsumerTimeout"/> while as many as may wait for it were
/// waiting. The request has ended and what it held has been returned; tokens that were generated before can still be taken, and come before
/// this error.
/// </summary>
public sealed class ConsumerStalledException : SLoraException
{
    /// <summary>Creates the error; its <see cref="SLoraException.Code"/> is <c>request.consumer-stalled</c>.</summary>
    /// <param name="limit">How long a consumer may take nothing.</param>
    public ConsumerStalledException(TimeSpan limit)
        : base("request.consumer-stalled", ErrorCategory.Caller,
            string.Create(CultureInfo.InvariantCulture, $"The consumer of the stream was behind and took no token for {limit}."))
    {
        Limit = limit;
    }

    /// <summary>How long a consumer may take nothing.</summary>
    public TimeSpan Limit { get; }
}
