namespace SLoRA;

/// <summary>Ends an answer by something other than a token: a stop string, a closed bracket. Made by whoever understands the tokens; one instance per request.</summary>
/// <remarks>
/// The engine's thread calls it, once per generated token and in order within a continuation, so it must be quick and must not wait for, or call, the
/// engine. The token that meets the condition is the last one of its continuation, which ends with <see cref="FinishReason.StopString"/>. If it
/// throws, that request fails and no other.
/// </remarks>
public interface IStopCondition
{
    /// <summary>Takes the next token.</summary>
    /// <param name="continuation">Which of the request's continuations, from 0.</param>
    /// <param name="token">The token just generated.</param>
    /// <returns>Whether the continuation ends with it.</returns>
    bool IsMet(int continuation, int token);
}
