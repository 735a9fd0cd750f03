using System.Runtime.InteropServices;

namespace SLoRA.Formats.Blocks;

/// <summary>
/// What a group of elements shares in a <see cref="CodedFormat"/>: an element of code q is <c>(Scale · Factor) (q - zero)</c>, and
/// <c>(Scale · Factor) q - Minimum · MinimumFactor</c> in formats with minimums. Two words of 32 bits, which devices may rearrange.
/// </summary>
/// <param name="Scale">The scale, that of a whole block where groups have factors.</param>
/// <param name="Minimum">What is subtracted, that of a whole block where groups have factors.</param>
/// <param name="Factor">The group's own part of the scale, −128 … 255.</param>
/// <param name="MinimumFactor">The group's own part of the minimum, 0 … 255.</param>
[StructLayout(LayoutKind.Sequential, Size = Words * sizeof(uint))]
internal readonly record struct GroupScale(Half Scale, Half Minimum = default, short Factor = 1, short MinimumFactor = 1)
{
    /// <summary>Words of 32 bits: <see cref="Scale"/> and, in the upper half, <see cref="Minimum"/>; both factors likewise.</summary>
    public const int Words = 2;

    /// <summary>What a code is multiplied by; exact in fp32.</summary>
    public float Step => (float)Scale * Factor;

    /// <summary>What is added to that; exact in fp32.</summary>
    public float Offset => -((float)Minimum * MinimumFactor);
}
