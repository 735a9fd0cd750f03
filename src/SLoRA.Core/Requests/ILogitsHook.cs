namespace SLoRA;

/// <summary>
/// Lets the host program mask or shift the logits of one request before a token is chosen: grammars, structured output, blocked words.
/// </summary>
/// <remarks>
/// It runs once per generated token, after penalties and logit bias and before temperature, in greedy requests too. To forbid a token set
/// its logit to
/// <see cref="float.NegativeInfinity"/>. The engine's thread calls it, so it must be quick and must not wait for, or call, the engine; it
/// should allocate nothing. An instance given to one request is called by one thread at a time, for each of the request's continuations in
/// turn; an instance shared by several requests must tell them apart itself. If it throws, or leaves a logit that is not a number or is
/// positive infinity, or forbids every token, that request fails and no other.
/// </remarks>
public interface ILogitsHook
{
    /// <summary>Changes the logits in place.</summary>
    /// <param name="context">What the sequence holds so far; valid during the call only.</param>
    /// <param name="logits">One logit per token of the vocabulary, by id; valid during the call only.</param>
    void Apply(LogitsContext context, Span<float> logits);
}
