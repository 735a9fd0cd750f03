namespace SLoRA;

/// <summary>A request's stop condition at work: a matcher for each continuation.</summary>
internal sealed class StopMatchers
{
    private readonly IStopMatcher[] _matchers;

    private StopMatchers(IStopMatcher[] matchers, FinishReason reason)
    {
        _matchers = matchers;
        Reason = reason;
    }

    /// <summary>Why the continuations that it ends have ended.</summary>
    public FinishReason Reason { get; }

    /// <summary>Begins a request's condition; null where it has none.</summary>
    /// <exception cref="InvalidRequestException">The condition gives no matcher, one twice, or a reason that is not a
    /// condition's.</exception>
    public static StopMatchers? Begin(GenerationRequest request)
    {
        if (request.StopCondition is not { } condition)
        {
            return null;
        }

        FinishReason reason = condition.Reason;
        if (reason is not (FinishReason.StopCondition or FinishReason.StopString))
        {
            throw Invalid(
                $"The stop condition's reason is {reason}; it must be {FinishReason.StopCondition} or {FinishReason.StopString}.");
        }

        var matchers = new IStopMatcher[request.Continuations];
        for (int i = 0; i < matchers.Length; i++)
        {
            IStopMatcher matcher = condition.Begin(request.Prompt.Span, i)
                ?? throw Invalid($"The stop condition gives no matcher for continuation {i}.");
            if (Array.IndexOf(matchers, matcher, 0, i) >= 0)
            {
                throw Invalid($"The stop condition gives continuation {i} the matcher of another; each needs its own.");
            }

            matchers[i] = matcher;
        }

        return new StopMatchers(matchers, reason);
    }

    /// <summary>The stop string that a continuation has ended by; null when it was none.</summary>
    public string? StopString(int continuation) => _matchers[continuation].StopString;

    /// <summary>Whether a continuation ends with this token.</summary>
    public bool IsMet(int continuation, int token) => _matchers[continuation].IsMet(token);

    private static InvalidRequestException Invalid(string message) => new(nameof(GenerationRequest.StopCondition), message);
}
