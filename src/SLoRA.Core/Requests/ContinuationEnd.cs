namespace SLoRA;

/// <summary>A continuation of a request has ended by itself; the others of the request may go on.</summary>
/// <param name="Continuation">Which of the request's continuations, from 0.</param>
/// <param name="Reason">
/// Why: <see cref="FinishReason.StopToken"/>, <see cref="FinishReason.StopString"/>, <see cref="FinishReason.StopCondition"/> or
/// <see cref="FinishReason.Length"/>. What ends a request from outside ends its stream, and no continuation before that.
/// </param>
/// <param name="Tokens">Tokens of its answer.</param>
public sealed record ContinuationEnd(int Continuation, FinishReason Reason, int Tokens)
{
    /// <summary>The token that ended it, which is no part of the answer; null for other reasons.</summary>
    public int? StopToken { get; init; }

    /// <summary>The stop string that ended it; null for other reasons, and where the condition does not tell.</summary>
    public string? StopString { get; init; }
}
