using System.Globalization;

namespace SLoRA;

/// <summary>
/// A request was ended before it ran, because it could no longer have its first token within its
/// <see cref="GenerationOptions.FirstTokenTarget"/>: what it would have taken serves those who can.
/// </summary>
public sealed class FirstTokenTargetException : SLoraException
{
    /// <summary>Creates the error; its <see cref="SLoraException.Code"/> is <c>request.first-token-target</c>.</summary>
    /// <param name="target">The request's target.</param>
    /// <param name="expected">When it would have had its first token, from its arrival.</param>
    public FirstTokenTargetException(TimeSpan target, TimeSpan expected)
        : base("request.first-token-target", ErrorCategory.Capacity,
            string.Create(
                CultureInfo.InvariantCulture, $"The first token was wanted within {target} and could be had after {expected}."))
    {
        Target = target;
        Expected = expected;
    }

    /// <summary>How soon the first token was wanted.</summary>
    public TimeSpan Target { get; }

    /// <summary>After what time it could have been had, by what the engine had measured when it gave the request up.</summary>
    public TimeSpan Expected { get; }
}
