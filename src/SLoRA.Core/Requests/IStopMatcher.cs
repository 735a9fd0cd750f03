namespace SLoRA;

/// <summary>Watches the tokens of one continuation for what ends it; begun by an <see cref="IStopCondition"/>.</summary>
/// <remarks>
/// The engine's thread calls it, once per generated token and in order, so it must be quick and must not wait for, or call, the engine. If
/// it throws, that request fails and no other.
/// </remarks>
public interface IStopMatcher
{
    /// <summary>Takes the next token. The one that meets the condition is the last of its continuation, and part of the answer.</summary>
    /// <param name="token">The token just generated.</param>
    /// <returns>Whether the continuation ends with it.</returns>
    bool IsMet(int token);

    /// <summary>
    /// The string that the condition was met by, for those that watch for strings; null otherwise, and before it is met. The engine reads
    /// it once, right after <see cref="IsMet"/> has said yes.
    /// </summary>
    string? StopString => null;
}
