using System.Numerics.Tensors;

namespace SLoRA.Fidelity.Tests.RealModels;

/// <summary>Differences of logits, and what is summed over them in fp64.</summary>
internal static class LogitErrors
{
    /// <summary>What the logits of a real model may differ by from those of transformers, which sum in other orders.</summary>
    public const float Tolerance = 5e-4f;

    /// <summary>The largest absolute difference; infinite when there is a NaN.</summary>
    public static float Largest(ReadOnlySpan<float> actual, ReadOnlySpan<float> expected)
    {
        float largest = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            float error = MathF.Abs(actual[i] - expected[i]);
            largest = float.IsNaN(error) ? float.PositiveInfinity : MathF.Max(largest, error);
        }

        return largest;
    }

    /// <summary>log Σ exp of the logits.</summary>
    /// <param name="logits">A row.</param>
    /// <param name="scratch">As long as the row.</param>
    public static double LogSumExp(ReadOnlySpan<float> logits, Span<double> scratch)
    {
        double largest = TensorPrimitives.Max(logits);
        TensorPrimitives.ConvertTruncating(logits, scratch);
        TensorPrimitives.Subtract(scratch, largest, scratch);
        TensorPrimitives.Exp<double>(scratch, scratch);
        return largest + Math.Log(TensorPrimitives.Sum<double>(scratch));
    }
}
