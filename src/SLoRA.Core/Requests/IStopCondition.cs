namespace SLoRA;

/// <summary>
/// Ends answers by something other than a token: a stop string, a closed bracket. Made by whoever understands the tokens. It says what ends
/// an answer and remembers nothing of one, so one instance serves any number of requests and threads; what a continuation has seen is in
/// the <see cref="IStopMatcher"/> that it begins for it.
/// </summary>
public interface IStopCondition
{
    /// <summary>
    /// How continuations that it ends are reported: <see cref="FinishReason.StopCondition"/> unless overridden, or
    /// <see cref="FinishReason.StopString"/>.
    /// </summary>
    FinishReason Reason => FinishReason.StopCondition;

    /// <summary>
    /// Begins to watch one continuation of one request. <see cref="LoraServingEngine.GenerateAsync"/> calls it for each of them, on its
    /// caller's thread; what it throws is thrown there.
    /// </summary>
    /// <param name="prompt">The ids of the prompt; valid until the call returns.</param>
    /// <param name="continuation">Which of the request's continuations, from 0.</param>
    /// <returns>What takes the tokens of this continuation and of no other: a new instance for each call.</returns>
    IStopMatcher Begin(ReadOnlySpan<int> prompt, int continuation);
}
