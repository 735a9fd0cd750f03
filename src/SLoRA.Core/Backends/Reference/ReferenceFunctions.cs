using SLoRA.Step;

namespace SLoRA.Backends.Reference;

/// <summary>Functions of one number, as their formulas read.</summary>
internal static class ReferenceFunctions
{
    // √(2/π).
    private const float TanhSlope = 0.7978845608f;

    /// <summary><c>f(x)</c>.</summary>
    public static float Of(ElementFunction f, float x) => f.Kind switch
    {
        ElementFunctionKind.Scale => f.A * x,
        ElementFunctionKind.Cap => f.A * MathF.Tanh(x / f.A),
        ElementFunctionKind.Silu => x / (1 + MathF.Exp(-x)),
        ElementFunctionKind.Clip => Math.Clamp(x, -f.A, f.A),
        ElementFunctionKind.Sigmoid => 1 / (1 + MathF.Exp(-x)),
        ElementFunctionKind.Gelu => 0.5f * x * (1 + (float)Erf(x / Math.Sqrt(2))),
        ElementFunctionKind.GeluTanh => 0.5f * x * (1 + MathF.Tanh(TanhSlope * (x + (0.044715f * x * x * x)))),
        ElementFunctionKind.SquaredRelu => x > 0 ? x * x : 0,
        ElementFunctionKind.Xielu => x > 0
            ? (f.A * x * x) + (f.C * x)
            : (f.B * (float)(Math.Exp(Math.Min(x, f.D)) - 1 - x)) + (f.C * x),
        _ => throw new ArgumentOutOfRangeException(nameof(f), f.Kind, "The Reference backend has no such function."),
    };

    /// <summary>The error function, and ±1 from where double cannot tell it from that.</summary>
    public static double Erf(double x)
    {
        if (Math.Abs(x) > 6)
        {
            return Math.Sign(x);
        }

        // 2/√π e^(−x²) Σ 2ⁿ x²ⁿ⁺¹ / (1·3·…·(2n + 1)): all terms have one sign, so nothing cancels.
        double term = x, sum = x;
        for (int n = 1; Math.Abs(term) > 1e-17 * Math.Abs(sum); n++)
        {
            term *= 2 * x * x / ((2 * n) + 1);
            sum += term;
        }

        return 2 / Math.Sqrt(Math.PI) * Math.Exp(-x * x) * sum;
    }
}
