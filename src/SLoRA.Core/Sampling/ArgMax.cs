using System.Globalization;
using System.Numerics;
using System.Numerics.Tensors;

namespace SLoRA.Sampling;

/// <summary>The largest logit, checked, and where it stands first.</summary>
internal static class ArgMax
{
    /// <summary>The lowest id among the tokens with the largest logit.</summary>
    /// <exception cref="InvalidLogitsException">A logit is NaN or positive infinity, or none is finite.</exception>
    public static int Of(ReadOnlySpan<float> logits) => FirstEqual(logits, Largest(logits));

    /// <summary>The largest logit; it is finite.</summary>
    /// <exception cref="InvalidLogitsException">A logit is NaN or positive infinity, or none is finite.</exception>
    public static float Largest(ReadOnlySpan<float> logits)
    {
        // Max hands on any NaN it meets, so one pass finds the maximum and checks every value.
        float largest = TensorPrimitives.Max(logits);
        return float.IsFinite(largest) ? largest : throw Invalid(logits, largest);
    }

    private static int FirstEqual(ReadOnlySpan<float> values, float wanted)
    {
        int i = 0;
        for (; i <= values.Length - Comparisons.Count; i += Comparisons.Count)
        {
            uint hits = Comparisons.Equal(values, i, wanted);
            if (hits != 0)
            {
                return i + BitOperations.TrailingZeroCount(hits);
            }
        }

        while (values[i] != wanted)
        {
            i++;
        }

        return i;
    }

    private static InvalidLogitsException Invalid(ReadOnlySpan<float> logits, float largest)
    {
        if (float.IsNegativeInfinity(largest))
        {
            return new InvalidLogitsException($"All {logits.Length} logits are negative infinity, so there is no token to choose.");
        }

        int token = 0;
        while (!float.IsNaN(logits[token]) && !float.IsPositiveInfinity(logits[token]))
        {
            token++;
        }

        return new InvalidLogitsException(
            string.Create(CultureInfo.InvariantCulture, $"The logit of token {token} is {logits[token]}; no token can be chosen from it."));
    }
}
