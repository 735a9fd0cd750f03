namespace SLoRA.Formats.Blocks;

/// <summary>
/// What a group of elements shares in a <see cref="CodedFormat"/>: an element of code q is <c>(Scale · Factor) (q - zero)</c>, and
/// <c>(Scale · Factor) q - Minimum · MinimumFactor</c> in formats with minimums.
/// </summary>
/// <param name="Scale">The scale, that of a whole block where groups have factors.</param>
/// <param name="Minimum">What is subtracted, that of a whole block where groups have factors.</param>
/// <param name="Factor">The group's own part of the scale, −128 … 255.</param>
/// <param name="MinimumFactor">The group's own part of the minimum, 0 … 255.</param>
internal readonly record struct GroupScale(Half Scale, Half Minimum = default, int Factor = 1, int MinimumFactor = 1)
{
    /// <summary>What a code is multiplied by; exact in fp32.</summary>
    public float Step => (float)Scale * Factor;

    /// <summary>What is added to that; exact in fp32.</summary>
    public float Offset => -((float)Minimum * MinimumFactor);
}
