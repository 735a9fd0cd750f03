using System.Collections.Immutable;
using SLoRA.Step;

namespace SLoRA.Models.Families;

/// <summary>
/// Dynamic NTK scaling: a sequence of n tokens above the threshold L has the base
/// <c>θ · (factor · n / L − (factor − 1))^(d / (d − 2))</c>.
/// </summary>
/// <param name="Theta">The base, θ.</param>
/// <param name="Columns">Columns of a head that turn, d.</param>
/// <param name="Factor">How far the base goes up.</param>
/// <param name="Threshold">L.</param>
internal sealed record DynamicLengths(double Theta, int Columns, double Factor, int Threshold) : RopeLengths(Threshold)
{
    // The base goes up with every token, so no length is the last one that works; requests need a bound all the same.
    private const int MostStretch = 4;

    /// <summary>The longest sequence that is taken.</summary>
    public double Reach => MostStretch * Math.Max(1, Factor) * Threshold;

    /// <inheritdoc/>
    public override bool Restarts => false;

    /// <inheritdoc/>
    public override void Frequencies(int length, Span<float> frequencies)
    {
        double stretch = (Factor * length / Threshold) - (Factor - 1);
        RopeFrequencies.Default(Theta * Math.Pow(stretch, Columns / (Columns - 2.0)), Columns, frequencies);
    }

    /// <inheritdoc/>
    protected override int LongClassOf(int knownLength) => knownLength;
}

/// <summary>Other frequencies for all tokens of a sequence as soon as it is longer than the threshold.</summary>
/// <param name="Long">The frequencies of long sequences.</param>
/// <param name="Threshold">The longest sequence that is not long.</param>
internal sealed record LongRopeLengths(ImmutableArray<float> Long, int Threshold) : RopeLengths(Threshold)
{
    /// <inheritdoc/>
    public override bool Restarts => true;

    /// <inheritdoc/>
    public override void Frequencies(int length, Span<float> frequencies) => Long.CopyTo(frequencies);

    /// <inheritdoc/>
    protected override int LongClassOf(int knownLength) => 1;
}
