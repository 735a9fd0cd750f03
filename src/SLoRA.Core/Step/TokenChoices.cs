namespace SLoRA.Step;

/// <summary>How the token of one output row is to be chosen, for devices that choose by themselves.</summary>
/// <param name="Output">The output row.</param>
/// <param name="Temperature">0 takes the largest logit.</param>
/// <param name="TopK">0 for all.</param>
/// <param name="Removable">1 − top-p: the probability that may be removed; 0 for none.</param>
/// <param name="MinP">Share of the largest probability; 0 for none.</param>
/// <param name="Uniform">The random number of the draw, in [0, 1].</param>
/// <param name="RepetitionPenalty">1 for none.</param>
/// <param name="PresencePenalty">0 for none.</param>
/// <param name="FrequencyPenalty">0 for none.</param>
/// <param name="FirstSeen">First of its tokens in <see cref="TokenChoices.Seen"/>.</param>
/// <param name="SeenCount">Distinct tokens that penalties look at.</param>
/// <param name="FirstBias">First of its biases in <see cref="TokenChoices.BiasTokens"/>.</param>
/// <param name="BiasCount">Biases.</param>
internal readonly record struct TokenChoice(
    int Output,
    float Temperature,
    int TopK,
    float Removable,
    float MinP,
    float Uniform,
    float RepetitionPenalty,
    float PresencePenalty,
    float FrequencyPenalty,
    int FirstSeen,
    int SeenCount,
    int FirstBias,
    int BiasCount);

/// <summary>The choices of a step, with what their penalties and biases need. Its memory is used again for the next step.</summary>
internal sealed class TokenChoices
{
    private TokenChoice[] _items = new TokenChoice[16];
    private int[] _seen = new int[64];
    private int[] _counts = new int[64];
    private int[] _biasTokens = new int[16];
    private float[] _biasValues = new float[16];
    private int _count;
    private int _seenCount;
    private int _biasCount;

    /// <summary>The choices, in the order of their output rows.</summary>
    public ReadOnlySpan<TokenChoice> Items => _items.AsSpan(0, _count);

    /// <summary>Distinct tokens of the sequences, one sequence behind the other.</summary>
    public ReadOnlySpan<int> Seen => _seen.AsSpan(0, _seenCount);

    /// <summary>How often each of <see cref="Seen"/> was generated.</summary>
    public ReadOnlySpan<int> SeenCounts => _counts.AsSpan(0, _seenCount);

    /// <summary>Tokens with a bias.</summary>
    public ReadOnlySpan<int> BiasTokens => _biasTokens.AsSpan(0, _biasCount);

    /// <summary>Their biases.</summary>
    public ReadOnlySpan<float> BiasValues => _biasValues.AsSpan(0, _biasCount);

    /// <summary>Forgets everything and keeps the memory.</summary>
    public void Clear() => (_count, _seenCount, _biasCount) = (0, 0, 0);

    /// <summary>Appends a choice and what belongs to it; the places in <paramref name="choice"/> are filled in.</summary>
    public void Add(TokenChoice choice, ReadOnlySpan<int> seen, ReadOnlySpan<int> seenCounts, ReadOnlySpan<int> biasTokens,
        ReadOnlySpan<float> biasValues)
    {
        if (_count == _items.Length)
        {
            Array.Resize(ref _items, 2 * _count);
        }

        _items[_count++] =
            choice with { FirstSeen = _seenCount, SeenCount = seen.Length, FirstBias = _biasCount, BiasCount = biasTokens.Length };
        Append(ref _seen, _seenCount, seen);
        Append(ref _counts, _seenCount, seenCounts);
        Append(ref _biasTokens, _biasCount, biasTokens);
        Append(ref _biasValues, _biasCount, biasValues);
        _seenCount += seen.Length;
        _biasCount += biasTokens.Length;
    }

    private static void Append<T>(ref T[] items, int count, ReadOnlySpan<T> more)
    {
        if (items.Length - count < more.Length)
        {
            Array.Resize(ref items, Math.Max(2 * items.Length, count + more.Length));
        }

        more.CopyTo(items.AsSpan(count));
    }
}
