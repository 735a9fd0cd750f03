using System.Collections.Immutable;

namespace SLoRA.Models.Families;

/// <summary>
/// Inverse frequencies of rotary embeddings, in fp32 and in the order of operations of the reference, because an error in a frequency grows
/// with the position. Only the powers are taken in double and rounded once.
/// </summary>
internal static class RopeFrequencies
{
    /// <summary><c>θ^(-2i/d)</c> for i below d/2.</summary>
    public static ImmutableArray<float> Default(double theta, int headDim)
    {
        var frequencies = new float[headDim / 2];
        Default(theta, headDim, frequencies);
        return [.. frequencies];
    }

    /// <summary>The same into memory of d/2 numbers.</summary>
    public static void Default(double theta, int headDim, Span<float> frequencies)
    {
        for (int i = 0; i < headDim / 2; i++)
        {
            frequencies[i] = 1f / Power(theta, headDim, i);
        }
    }

    /// <summary><c>θ^(-2i/d) / factor(i)</c>: every pair has its own factor.</summary>
    public static ImmutableArray<float> Stretched(double theta, int headDim, ImmutableArray<double> factors) =>
        [.. factors.Select((factor, i) => 1f / ((float)factor * Power(theta, headDim, i)))];

    /// <summary>The usual frequencies of a share of the pairs, the fastest ones, and 0 for the others, which do not turn.</summary>
    public static ImmutableArray<float> Proportional(double theta, int headDim, double share) =>
        [.. Default(theta, headDim).Select((frequency, i) => i < (int)(share * headDim / 2) ? frequency : 0)];

    /// <summary>Positions divided by a factor.</summary>
    public static ImmutableArray<float> Linear(double theta, int headDim, double factor) =>
        [.. Default(theta, headDim).Select(frequency => frequency / (float)factor)];

    /// <summary>Llama 3.1: long waves are divided by the factor, short ones stay, those between are blended.</summary>
    /// <param name="theta">The base.</param>
    /// <param name="headDim">Columns of a head.</param>
    /// <param name="factor">What long waves are divided by.</param>
    /// <param name="lowFactor">Waves longer than originalLength / lowFactor are long.</param>
    /// <param name="highFactor">Waves shorter than originalLength / highFactor are short.</param>
    /// <param name="originalLength">Positions that the model was first trained for.</param>
    public static ImmutableArray<float> Llama3(
        double theta, int headDim, double factor, double lowFactor, double highFactor, int originalLength)
    {
        float longest = (float)(originalLength / lowFactor), shortest = (float)(originalLength / highFactor);
        return [.. Default(theta, headDim).Select(Blend)];

        float Blend(float frequency)
        {
            float wave = (float)(2 * Math.PI) / frequency;
            if (wave > longest)
            {
                return frequency / (float)factor;
            }

            if (wave < shortest)
            {
                return frequency;
            }

            float smooth = ((originalLength / wave) - (float)lowFactor) / (float)(highFactor - lowFactor);
            return ((1 - smooth) * frequency / (float)factor) + (smooth * frequency);
        }
    }

    /// <summary>
    /// YaRN: dimensions that turn often within the original length stay, those that turn rarely are divided by the factor, with a ramp
    /// between.
    /// </summary>
    /// <param name="theta">The base, above 1.</param>
    /// <param name="headDim">Columns of a head, d.</param>
    /// <param name="factor">What slow dimensions are divided by.</param>
    /// <param name="fastTurns">Turns (beta_fast) at and above which a dimension stays.</param>
    /// <param name="slowTurns">Turns (beta_slow) at and below which it is divided.</param>
    /// <param name="originalLength">Positions that the model was first trained for, L.</param>
    /// <param name="truncate">Whether the ends of the ramp are rounded outwards to whole dimensions.</param>
    public static ImmutableArray<float> Yarn(
        double theta, int headDim, double factor, double fastTurns, double slowTurns, int originalLength, bool truncate)
    {
        double low = Dimension(fastTurns), high = Dimension(slowTurns);
        if (truncate)
        {
            (low, high) = (Math.Floor(low), Math.Ceiling(high));
        }

        (low, high) = (Math.Max(low, 0), Math.Min(high, headDim - 1));
        if (low == high)
        {
            high += 0.001;
        }

        float[] powers = Powers(theta, headDim);
        var frequencies = ImmutableArray.CreateBuilder<float>(powers.Length);
        for (int i = 0; i < powers.Length; i++)
        {
            float ramp = Math.Clamp((i - (float)low) / (float)(high - low), 0f, 1f);
            float kept = 1f - ramp;
            frequencies.Add((1f / ((float)factor * powers[i]) * (1f - kept)) + (1f / powers[i] * kept));
        }

        return frequencies.MoveToImmutable();

        // The dimension whose wave turns this many times within L: d ln(L / 2πb) / (2 ln θ).
        double Dimension(double turns) => headDim * Math.Log(originalLength / (turns * 2 * Math.PI)) / (2 * Math.Log(theta));
    }

    /// <summary>The magnitude that YaRN gives attention for a stretch: <c>0.1 k ln(factor) + 1</c>, or 1 if nothing is stretched.</summary>
    public static double YarnMagnitude(double factor, double k = 1) => factor <= 1 ? 1 : (0.1 * k * Math.Log(factor)) + 1;

    private static float[] Powers(double theta, int headDim) =>
        [.. Enumerable.Range(0, headDim / 2).Select(i => Power(theta, headDim, i))];

    private static float Power(double theta, int headDim, int pair) => (float)Math.Pow((float)theta, 2f * pair / headDim);
}
