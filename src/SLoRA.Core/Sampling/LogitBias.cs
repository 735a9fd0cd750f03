namespace SLoRA.Sampling;

/// <summary>A request's logit bias as two arrays, because walking the caller's dictionary would allocate for every token.</summary>
internal sealed class LogitBias
{
    private readonly int[] _tokens;
    private readonly float[] _values;

    public LogitBias(IReadOnlyDictionary<int, float> bias)
    {
        _tokens = [.. bias.Keys];
        _values = new float[_tokens.Length];
        for (int i = 0; i < _tokens.Length; i++)
        {
            _values[i] = bias[_tokens[i]];
        }
    }

    /// <summary>The tokens with a bias.</summary>
    public ReadOnlySpan<int> Tokens => _tokens;

    /// <summary>Their biases.</summary>
    public ReadOnlySpan<float> Values => _values;

    public void Apply(Span<float> logits)
    {
        for (int i = 0; i < _tokens.Length; i++)
        {
            logits[_tokens[i]] += _values[i];
        }
    }
}
