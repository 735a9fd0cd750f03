using System.Collections.Immutable;

namespace SLoRA.Step;

/// <summary>A rotary position embedding of the first columns of every head; what is behind them does not turn.</summary>
internal sealed record RopeDescription
{
    /// <summary>No rotation at all.</summary>
    public static RopeDescription None { get; } = new() { InverseFrequencies = [] };

    /// <summary>Radians per position, one for each pair of columns. Twice as many columns of a head turn.</summary>
    public required ImmutableArray<float> InverseFrequencies { get; init; }

    /// <summary>What cosines and sines are multiplied by.</summary>
    public float AttentionFactor { get; init; } = 1;

    /// <summary>
    /// Whether a pair is two columns side by side, (2i, 2i + 1), instead of one from each half of those that turn, (i, i + n).
    /// </summary>
    public bool AdjacentPairs { get; init; }

    /// <summary>How frequencies depend on the length of the sequence; null if they do not.</summary>
    public RopeLengths? Lengths { get; init; }

    /// <summary>Pairs of a head, n.</summary>
    public int Pairs => InverseFrequencies.Length;

    /// <summary>Columns of a head that turn.</summary>
    public int Columns => 2 * Pairs;

    /// <summary>From one column of a pair to the other.</summary>
    public int PairApart => AdjacentPairs ? 1 : Pairs;

    /// <summary>From the first column of a pair to that of the next.</summary>
    public int PairStep => AdjacentPairs ? 2 : 1;

    /// <summary>The frequencies of a row whose sequence has this length.</summary>
    public void Frequencies(int length, Span<float> frequencies)
    {
        if (Lengths is { } lengths && length > lengths.Threshold)
        {
            lengths.Frequencies(length, frequencies);
        }
        else
        {
            InverseFrequencies.CopyTo(frequencies);
        }
    }
}

/// <summary>Frequencies of sequences that are longer than a model was first trained for.</summary>
/// <param name="Threshold">The longest sequence that has the usual frequencies.</param>
internal abstract record RopeLengths(int Threshold)
{
    /// <summary>
    /// Whether a sequence that grows past the threshold has to be computed again from its first token, because every key of a longer one
    /// has other frequencies; otherwise the keys that are there stay as they are.
    /// </summary>
    public abstract bool Restarts { get; }

    /// <summary>
    /// What two sequences must have in common so that the keys of equal tokens are equal; 0 for all that are not above the threshold.
    /// </summary>
    /// <param name="knownLength">The length that a sequence had when its first row was computed.</param>
    public int ClassOf(int knownLength) => knownLength <= Threshold ? 0 : LongClassOf(knownLength);

    /// <summary>The same for a length above the threshold.</summary>
    protected abstract int LongClassOf(int knownLength);

    /// <summary>The frequencies for a length above the threshold.</summary>
    public abstract void Frequencies(int length, Span<float> frequencies);
}
