using SLoRA.Text.Tokenization;

namespace SLoRA.Text;

/// <summary>
/// Ends a continuation at the token that completes one of several strings. Give it to the request, and the same strings to the
/// <see cref="TextStream"/> that shows the answer: together no character of a stop string is ever shown and no token is generated behind
/// it. Immutable: one instance serves any number of requests and threads. Made by <see cref="ModelTokenizer.CreateStopCondition"/>.
/// </summary>
public sealed class StopStringCondition : IStopCondition
{
    private readonly ModelTokenizer _tokenizer;
    private readonly StopStrings _stops;

    internal StopStringCondition(ModelTokenizer tokenizer, StopStrings stops)
    {
        _tokenizer = tokenizer;
        _stops = stops;
    }

    /// <inheritdoc/>
    public FinishReason Reason => FinishReason.StopString;

    /// <inheritdoc/>
    public IStopMatcher Begin(ReadOnlySpan<int> prompt, int continuation) =>
        new Matcher(_tokenizer.CreateStream(prompt, skipSpecialTokens: true, _stops));

    private sealed class Matcher(TextStream text) : IStopMatcher
    {
        public string? StopString => text.StopString;

        public bool IsMet(int token)
        {
            text.Append(token);
            return text.IsStopped;
        }
    }
}
