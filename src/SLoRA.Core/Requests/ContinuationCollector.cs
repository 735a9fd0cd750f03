namespace SLoRA.Requests;

/// <summary>Puts the news of a stream together, continuation by continuation.</summary>
/// <param name="continuations">How many there are.</param>
internal sealed class ContinuationCollector(int continuations)
{
    private readonly List<GeneratedToken>[] _tokens = [.. Enumerable.Range(0, continuations).Select(_ => new List<GeneratedToken>())];
    private readonly ContinuationEnd?[] _ends = new ContinuationEnd?[continuations];

    /// <summary>Takes a piece of news.</summary>
    public void Add(in GenerationUpdate update)
    {
        if (update.End is { } end)
        {
            _ends[end.Continuation] = end;
        }
        else
        {
            _tokens[update.Token.Continuation].Add(update.Token);
        }
    }

    /// <summary>The continuations of a stream that has come to its end.</summary>
    /// <exception cref="InvalidOperationException">The stream has ended, and one of its continuations has not.</exception>
    public IReadOnlyList<GeneratedContinuation> Finish() =>
    [
        .. _tokens.Select((tokens, at) => new GeneratedContinuation(
            tokens, _ends[at] ?? throw new InvalidOperationException($"The stream has ended, and its continuation {at} has not."))),
    ];
}
