using System.Globalization;

namespace SLoRA;

/// <summary>A request did not end in the time that it was given.</summary>
public sealed class DeadlineExceededException : SLoraException
{
    /// <summary>Creates the error; its <see cref="SLoraException.Code"/> is <c>request.deadline</c>.</summary>
    /// <param name="limit">The time that the request was given.</param>
    public DeadlineExceededException(TimeSpan limit)
        : base("request.deadline", ErrorCategory.Capacity,
            string.Create(CultureInfo.InvariantCulture, $"The request did not end within {limit}."))
    {
        Limit = limit;
    }

    /// <summary>The time that the request was given.</summary>
    public TimeSpan Limit { get; }
}
