using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// 2ˣ for x ≤ 0, lane by lane, within one unit in the last place (two where <see cref="MultiplyAdd"/> is not fused): the weights of a
/// softmax whose scores are in base 2. Smaller arguments than −64 are taken for −64, which is nothing beside the largest weight, 1: no
/// weight is so small that a product with it would be subnormal, where processors stumble.
/// </summary>
/// <remarks>
/// x = n + f with n its nearest integer. Adding 1.5 · 2²³ rounds to n and leaves n in the low bits, from where a shift takes it to the
/// exponent of 2ᶠ, which a polynomial gives. Adding the exponent as an integer needs no multiplication; NaN stays one. The same operations
/// at every width, written out for each as in <see cref="Exponential"/>.
/// </remarks>
internal static class PowerOfTwo
{
    /// <summary>log₂ e: what takes a score to base 2.</summary>
    public const float Log2E = 1.44269504f;

    /// <summary>ln 2: what takes it back.</summary>
    public const float Ln2 = 0.693147181f;

    private const float Least = -64;
    private const float Shifter = 12582912f;

    // (2ᶠ − 1) / f, least relative error of 2ᶠ over |f| ≤ ½: 2 · 10⁻⁹.
    private const float C1 = 0.6931472f;
    private const float C2 = 0.24022648f;
    private const float C3 = 0.05550332f;
    private const float C4 = 0.009618439f;
    private const float C5 = 0.0013399004f;
    private const float C6 = 0.00015353259f;

    /// <summary>16 lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Of(Vector512<float> x)
    {
        if (Vector512.IsHardwareAccelerated)
        {
            return Of16(x);
        }

        return Vector256.IsHardwareAccelerated
            ? Vector512.Create(Of8(x.GetLower()), Of8(x.GetUpper()))
            : Vector512.Create(OfQuarters(x.GetLower()), OfQuarters(x.GetUpper()));
    }

    /// <summary>8 lanes, where vectors have 256 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Of8(Vector256<float> x)
    {
        Vector256<float> shifter = Vector256.Create(Shifter);
        x = Vector256.MaxNative(Vector256.Create(Least), x);
        Vector256<float> shifted = x + shifter;
        Vector256<float> f = x - (shifted - shifter);
        Vector256<float> p = Vector256.FusedMultiplyAdd(f, Vector256.Create(C6), Vector256.Create(C5));
        p = Vector256.FusedMultiplyAdd(p, f, Vector256.Create(C4));
        p = Vector256.FusedMultiplyAdd(p, f, Vector256.Create(C3));
        p = Vector256.FusedMultiplyAdd(p, f, Vector256.Create(C2));
        p = Vector256.FusedMultiplyAdd(p, f, Vector256.Create(C1));
        p = Vector256.FusedMultiplyAdd(p, f, Vector256<float>.One);
        return (p.AsInt32() + (shifted.AsInt32() << 23)).AsSingle();
    }

    /// <summary>One number, the same bits as in a lane.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static float Of(float x) => Of(Vector512.Create(x))[0];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Of16(Vector512<float> x)
    {
        // The operands of the maximum are in the order that lets NaN through.
        Vector512<float> shifter = Vector512.Create(Shifter);
        x = Vector512.MaxNative(Vector512.Create(Least), x);
        Vector512<float> shifted = x + shifter;
        Vector512<float> f = x - (shifted - shifter);
        Vector512<float> p = Vector512.FusedMultiplyAdd(f, Vector512.Create(C6), Vector512.Create(C5));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(C4));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(C3));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(C2));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(C1));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512<float>.One);
        return (p.AsInt32() + (shifted.AsInt32() << 23)).AsSingle();
    }

    // Kept a call: four copies in one method would not fit the registers.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Vector256<float> OfQuarters(Vector256<float> x) => Vector256.Create(Of4(x.GetLower()), Of4(x.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Of4(Vector128<float> x)
    {
        Vector128<float> shifter = Vector128.Create(Shifter);
        x = Vector128.MaxNative(Vector128.Create(Least), x);
        Vector128<float> shifted = x + shifter;
        Vector128<float> f = x - (shifted - shifter);
        Vector128<float> p = MultiplyAdd.Of(f, Vector128.Create(C6), Vector128.Create(C5));
        p = MultiplyAdd.Of(p, f, Vector128.Create(C4));
        p = MultiplyAdd.Of(p, f, Vector128.Create(C3));
        p = MultiplyAdd.Of(p, f, Vector128.Create(C2));
        p = MultiplyAdd.Of(p, f, Vector128.Create(C1));
        p = MultiplyAdd.Of(p, f, Vector128<float>.One);
        return (p.AsInt32() + (shifted.AsInt32() << 23)).AsSingle();
    }
}
