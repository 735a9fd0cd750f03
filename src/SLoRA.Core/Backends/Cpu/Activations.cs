using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary>Activations lane by lane.</summary>
internal static class Activations
{
    /// <summary><c>x / (1 + e⁻ˣ)</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Silu(Vector512<float> x) => x / (Vector512<float>.One + Exponential.Of(-x));

    /// <summary><c>x/2 · (1 + tanh(u)) = x / (1 + e⁻²ᵘ)</c> with <c>u = √(2/π) (x + 0.044715 x³)</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> GeluTanh(Vector512<float> x)
    {
        Vector512<float> cubic = x + (Vector512.Create(0.044715f) * x * x * x);
        return x / (Vector512<float>.One + Exponential.Of(Vector512.Create(-1.5957691216f) * cubic));
    }

    /// <summary><c>x/2 · (1 + erf(x/√2))</c>, erf as in Abramowitz and Stegun 7.1.26, within 1.5e-7.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Gelu(Vector512<float> x)
    {
        Vector512<float> one = Vector512<float>.One;
        Vector512<float> z = Vector512.Abs(x) * Vector512.Create(0.70710678118f);
        Vector512<float> t = one / (one + (Vector512.Create(0.3275911f) * z));
        Vector512<float> p = (Vector512.Create(1.061405429f) * t) - Vector512.Create(1.453152027f);
        p = (p * t) + Vector512.Create(1.421413741f);
        p = (p * t) - Vector512.Create(0.284496736f);
        p = (p * t) + Vector512.Create(0.254829592f);
        Vector512<float> tail = p * t * Exponential.Of(-z * z);
        Vector512<float> above = Vector512.GreaterThan(x, Vector512<float>.Zero);

        // 1 + erf(z) above 0, 1 − erf(z) below: no difference of two numbers that are nearly alike.
        Vector512<float> sum = Vector512.ConditionalSelect(above, Vector512.Create(2f) - tail, tail);
        return Vector512.Create(0.5f) * x * sum;
    }
}
