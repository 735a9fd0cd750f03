using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// eˣ lane by lane, within 2 units in the last place (3 where <see cref="MultiplyAdd"/> is not fused); 0 below −87.3, and the largest
/// argument is taken to be 88.3. The same operations at every width, written out for each: wider vectors than the machine has would go
/// through memory.
/// </summary>
internal static class Exponential
{
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

    /// <summary>One number, the same bits as in a lane.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static float Of(float x) => Of(Vector512.Create(x))[0];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Of16(Vector512<float> x)
    {
        // x = n ln 2 + r with |r| ≤ ln 2 / 2; ln 2 in two parts so that the subtraction is exact; e^r by its polynomial. Adding 1.5 · 2²³
        // rounds to n and leaves n in the low bits, from where a shift takes it to the exponent. The operands of the minimum and the
        // maximum are in the order that lets NaN through.
        Vector512<float> clamped = Vector512.MinNative(Vector512.Create(88.3f), Vector512.MaxNative(Vector512.Create(-87.4f), x));
        Vector512<float> shifter = Vector512.Create(12582912f);
        Vector512<float> shifted = Vector512.FusedMultiplyAdd(clamped, Vector512.Create(1.44269504f), shifter);
        Vector512<float> n = shifted - shifter;
        Vector512<float> r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-0.693359375f), clamped);
        r = Vector512.FusedMultiplyAdd(n, Vector512.Create(2.12194440e-4f), r);
        Vector512<float> p = Vector512.Create(1.9875691500e-4f);
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.3981999507e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(8.3334519073e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(4.1665795894e-2f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.6666665459e-1f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(0.5f));
        p = Vector512.FusedMultiplyAdd(p, r * r, r + Vector512<float>.One);
        Vector512<float> power = ((shifted.AsInt32() << 23) + Vector512<float>.One.AsInt32()).AsSingle();
        return Vector512.ConditionalSelect(Vector512.LessThan(x, Vector512.Create(-87.3f)), Vector512<float>.Zero, p * power);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Of8(Vector256<float> x)
    {
        Vector256<float> clamped = Vector256.MinNative(Vector256.Create(88.3f), Vector256.MaxNative(Vector256.Create(-87.4f), x));
        Vector256<float> shifter = Vector256.Create(12582912f);
        Vector256<float> shifted = Vector256.FusedMultiplyAdd(clamped, Vector256.Create(1.44269504f), shifter);
        Vector256<float> n = shifted - shifter;
        Vector256<float> r = Vector256.FusedMultiplyAdd(n, Vector256.Create(-0.693359375f), clamped);
        r = Vector256.FusedMultiplyAdd(n, Vector256.Create(2.12194440e-4f), r);
        Vector256<float> p = Vector256.Create(1.9875691500e-4f);
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(1.3981999507e-3f));
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(8.3334519073e-3f));
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(4.1665795894e-2f));
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(1.6666665459e-1f));
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(0.5f));
        p = Vector256.FusedMultiplyAdd(p, r * r, r + Vector256<float>.One);
        Vector256<float> power = ((shifted.AsInt32() << 23) + Vector256<float>.One.AsInt32()).AsSingle();
        return Vector256.ConditionalSelect(Vector256.LessThan(x, Vector256.Create(-87.3f)), Vector256<float>.Zero, p * power);
    }

    // Kept a call: four copies in one method would not fit the registers.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Vector256<float> OfQuarters(Vector256<float> x) => Vector256.Create(Of4(x.GetLower()), Of4(x.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Of4(Vector128<float> x)
    {
        Vector128<float> clamped = Vector128.MinNative(Vector128.Create(88.3f), Vector128.MaxNative(Vector128.Create(-87.4f), x));
        Vector128<float> shifter = Vector128.Create(12582912f);
        Vector128<float> shifted = MultiplyAdd.Of(clamped, Vector128.Create(1.44269504f), shifter);
        Vector128<float> n = shifted - shifter;
        Vector128<float> r = MultiplyAdd.Of(n, Vector128.Create(-0.693359375f), clamped);
        r = MultiplyAdd.Of(n, Vector128.Create(2.12194440e-4f), r);
        Vector128<float> p = Vector128.Create(1.9875691500e-4f);
        p = MultiplyAdd.Of(p, r, Vector128.Create(1.3981999507e-3f));
        p = MultiplyAdd.Of(p, r, Vector128.Create(8.3334519073e-3f));
        p = MultiplyAdd.Of(p, r, Vector128.Create(4.1665795894e-2f));
        p = MultiplyAdd.Of(p, r, Vector128.Create(1.6666665459e-1f));
        p = MultiplyAdd.Of(p, r, Vector128.Create(0.5f));
        p = MultiplyAdd.Of(p, r * r, r + Vector128<float>.One);
        Vector128<float> power = ((shifted.AsInt32() << 23) + Vector128<float>.One.AsInt32()).AsSingle();
        return Vector128.ConditionalSelect(Vector128.LessThan(x, Vector128.Create(-87.3f)), Vector128<float>.Zero, p * power);
    }
}
