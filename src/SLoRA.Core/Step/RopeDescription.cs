using System.Collections.Immutable;

namespace SLoRA.Step;

/// <summary>A rotary position embedding whose frequencies do not depend on the length of the sequence.</summary>
internal sealed record RopeDescription
{
    /// <summary>Radians per position, one for each pair (i, i + d/2) of a head's d columns.</summary>
    public required ImmutableArray<float> InverseFrequencies { get; init; }

    /// <summary>What cosines and sines are multiplied by.</summary>
    public float AttentionFactor { get; init; } = 1;
}
