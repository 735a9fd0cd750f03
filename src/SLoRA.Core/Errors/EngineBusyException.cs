using System.Globalization;

namespace SLoRA;

/// <summary>The waiting queue is full. Nothing is wrong: try again later, or raise <see cref="SchedulingOptions.MaxWaiting"/>.</summary>
public sealed class EngineBusyException : SLoraException
{
    /// <summary>Creates the error; its <see cref="SLoraException.Code"/> is <c>engine.busy</c>.</summary>
    /// <param name="limit">Requests that may wait.</param>
    public EngineBusyException(int limit)
        : base("engine.busy", ErrorCategory.Capacity, string.Create(CultureInfo.InvariantCulture, $"{limit} requests are waiting already."))
    {
        Limit = limit;
    }

    /// <summary>Requests that may wait.</summary>
    public int Limit { get; }
}
