namespace SLoRA.Sampling;

/// <summary>
/// When a sequence ends by itself: at one of its stop tokens, or at its limit. Immutable; a request's continuations share it.
/// </summary>
internal sealed class StopRules
{
    private readonly int[] _stopTokens;
    private readonly int _maxTokens;

    /// <param name="stopTokens">The request's own stop tokens.</param>
    /// <param name="endOfText">The tokens that end a text for this model.</param>
    /// <param name="ignoreEndOfText">Whether the model's own do not count; the request's still do.</param>
    /// <param name="maxTokens">How many tokens may be generated, at least 1.</param>
    public StopRules(IEnumerable<int> stopTokens, IEnumerable<int> endOfText, bool ignoreEndOfText, int maxTokens)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxTokens);
        _stopTokens = [.. (ignoreEndOfText ? stopTokens : stopTokens.Concat(endOfText)).Distinct().Order()];
        _maxTokens = maxTokens;
    }

    /// <summary>
    /// Whether the sequence ends with this token, and why; null to go on. A stop token at the limit counts as a stop token.
    /// </summary>
    /// <param name="token">The token just chosen.</param>
    /// <param name="generatedCount">How many were generated, this one included.</param>
    public FinishReason? After(int token, int generatedCount)
    {
        if (_stopTokens.AsSpan().BinarySearch(token) >= 0)
        {
            return FinishReason.StopToken;
        }

        return generatedCount >= _maxTokens ? FinishReason.Length : null;
    }
}
