using System.Numerics.Tensors;

namespace SLoRA.Sampling;

/// <summary>
/// (l − largest) / temperature: the distribution of l / temperature, but no temperature, however small, can overflow it. The largest
/// becomes exactly 0.
/// </summary>
internal static class Temperature
{
    /// <exception cref="InvalidLogitsException">A logit is NaN or positive infinity, or none is finite.</exception>
    public static void Apply(Span<float> logits, float temperature)
    {
        TensorPrimitives.Subtract(logits, ArgMax.Largest(logits), logits);
        if (temperature != 1)
        {
            TensorPrimitives.Divide(logits, temperature, logits);
        }
    }
}
