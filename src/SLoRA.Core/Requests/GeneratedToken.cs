namespace SLoRA;

/// <summary>One token of an answer.</summary>
/// <param name="Id">The token id.</param>
/// <param name="Index">Its place in its continuation, from 0.</param>
public readonly record struct GeneratedToken(int Id, int Index)
{
    /// <summary>Which of the request's continuations it belongs to, from 0.</summary>
    public int Continuation { get; init; }

    /// <summary>The natural logarithm of its probability; null unless the request asked for log-probabilities.</summary>
    public float? LogProbability { get; init; }

    /// <summary>The most probable tokens in its place, most probable first; null unless the request asked for log-probabilities.</summary>
    public IReadOnlyList<TokenLogProbability>? Top { get; init; }
}
