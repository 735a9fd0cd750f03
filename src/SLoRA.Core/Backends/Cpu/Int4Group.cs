using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using SLoRA.Formats;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// The library's own weights of four bits: 32 numbers as <c>scale · (code − zero / 16)</c>, codes from 0 to 15, a zero from 0 to 255, the
/// scale in bfloat16. Of a row of scales the one is taken whose squared error is least, where larger numbers count more. The same bits at
/// every vector width.
/// </summary>
internal static unsafe class Int4Group
{
    /// <summary>Numbers of a group.</summary>
    public const int Size = 32;

    private const float LargestCode = 15;
    private const int Trials = 10;

    // Adding 1.5 · 2²³ rounds to an integer.
    private const float Shifter = 12582912f;

    /// <summary>Quantizes a group.</summary>
    /// <param name="x">The numbers.</param>
    /// <param name="codes">A code for each.</param>
    /// <param name="zero">The code of zero, in sixteenths.</param>
    /// <returns>The bits of the scale: 0 for zeros, NaN when a number is not finite.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static ushort Quantize(float* x, Span<byte> codes, out byte zero)
    {
        Vector512<float> x0 = Vector512.Load(x), x1 = Vector512.Load(x + Lanes.Count);
        zero = 0;
        codes[..Size].Clear();
        if (float.IsNaN(Lanes.Sum((x0 + x1) * Vector512<float>.Zero)))
        {
            return Elements.Narrow(float.NaN);
        }

        // Codes must reach zero from where the numbers are: what is added has the other sign.
        float high = Math.Max(Lanes.Max(Vector512.Max(x0, x1)), 0), low = Math.Min(-Lanes.Max(Vector512.Max(-x0, -x1)), 0);
        float range = high - low;
        if (range < Int8Layout.Smallest)
        {
            return 0;
        }

        // From here on in parts of the range, so that no square leaves fp32.
        Vector512<float> whole = Vector512.Create(range);
        x0 /= whole;
        x1 /= whole;
        low /= range;

        // A weight of its own for each number: its size, and what all of them have on average.
        Vector512<float> average = Vector512.Create(MathF.Sqrt(Sum(x0 * x0, x1 * x1) / Size));
        Vector512<float> w0 = average + Vector512.Abs(x0), w1 = average + Vector512.Abs(x1);
        var sums = new Sums(Sum(w0, w1), Sum(w0 * x0, w1 * x1));
        ushort best = 0;
        float least = float.PositiveInfinity;
        Vector512<float> best0 = default, best1 = default;
        for (int trial = 0; trial <= Trials; trial++)
        {
            // From wide scales, which cut nothing off, to narrow ones, which cut off the largest.
            float inverse = LargestCode - 1 + (0.2f * trial);
            Vector512<float> q0 = Code((x0 - Vector512.Create(low)) * Vector512.Create(inverse));
            Vector512<float> q1 = Code((x1 - Vector512.Create(low)) * Vector512.Create(inverse));
            if (!Fit(sums, w0, w1, x0, x1, q0, q1, out float scale, out float offset))
            {
                (scale, offset) = (1 / inverse, low);
            }

            ushort bits = Elements.Narrow(scale * range);
            scale = Elements.Widen(bits) / range;
            if (!(scale > 0) || !float.IsFinite(scale))
            {
                continue;
            }

            float point = Math.Clamp(MathF.Round(-offset / scale * OwnZeros.ZeroParts), 0, byte.MaxValue);
            Vector512<float> shift = Vector512.Create(point / OwnZeros.ZeroParts), step = Vector512.Create(scale);
            q0 = Code((x0 / step) + shift);
            q1 = Code((x1 / step) + shift);
            Vector512<float> e0 = x0 - (step * (q0 - shift)), e1 = x1 - (step * (q1 - shift));
            float error = Sum(w0 * e0 * e0, w1 * e1 * e1);
            if (error < least)
            {
                (least, best, zero, best0, best1) = (error, bits, (byte)point, q0, q1);
            }
        }

        float* chosen = stackalloc float[Size];
        best0.Store(chosen);
        best1.Store(chosen + Lanes.Count);
        for (int i = 0; i < Size; i++)
        {
            codes[i] = (byte)chosen[i];
        }

        return best;
    }

    /// <summary>The scale and offset that fit codes best, by least squares.</summary>
    private static bool Fit(
        Sums sums, Vector512<float> w0, Vector512<float> w1, Vector512<float> x0, Vector512<float> x1, Vector512<float> q0,
        Vector512<float> q1, out float scale, out float offset)
    {
        float q = Sum(w0 * q0, w1 * q1), qq = Sum(w0 * q0 * q0, w1 * q1 * q1), qx = Sum(w0 * q0 * x0, w1 * q1 * x1);
        float determinant = (sums.Weight * qq) - (q * q);
        scale = ((sums.Weight * qx) - (q * sums.Numbers)) / determinant;
        offset = ((qq * sums.Numbers) - (q * qx)) / determinant;
        if (offset > 0)
        {
            // Out of reach: the best scale without one.
            (scale, offset) = (qx / qq, 0);
        }

        return determinant > 0 && float.IsFinite(scale) && float.IsFinite(offset);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Sum(Vector512<float> a, Vector512<float> b) => Lanes.Sum(a + b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Code(Vector512<float> value)
    {
        Vector512<float> shifter = Vector512.Create(Shifter);
        Vector512<float> inside = Vector512.Min(Vector512.Max(value, Vector512<float>.Zero), Vector512.Create(LargestCode));
        return (inside + shifter) - shifter;
    }

    /// <summary>Sums over the numbers of a group: of their weights, and of themselves times those.</summary>
    private readonly record struct Sums(float Weight, float Numbers);
}
