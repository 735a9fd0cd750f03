using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// Symmetric quantization of a group of numbers, 64, 32 or 16, to integers of a limit L: scale = max |x| / L, integer =
/// round(x · (L / max |x|)), ties to even. The same bits at every vector width.
/// </summary>
internal static unsafe class Int8Group
{
    // Adding 1.5 · 2²³ rounds to an integer and leaves it in the low bits.
    private const float Shifter = 12582912f;

    private const int Magnitude = 0x7FFF_FFFF;
    private const int Infinity = 0x7F80_0000;

    /// <summary>Quantizes a group.</summary>
    /// <typeparam name="T">Its size.</typeparam>
    /// <param name="x">The numbers.</param>
    /// <param name="limit">The largest integer.</param>
    /// <param name="integers">As many integers.</param>
    /// <returns>The scale: 0 for zeros, NaN when a number is not finite, so that whatever is multiplied by it is NaN.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static float Quantize<T>(float* x, int limit, short* integers)
        where T : struct, IInt8Groups
    {
        // The comparisons of T.Pairs are constants where this is compiled.
        Vector512<float> x0 = Vector512.Load(x);
        Vector512<float> x1 = T.Pairs >= 16 ? Vector512.Load(x + 16) : default;
        Vector512<float> x2 = T.Pairs == 32 ? Vector512.Load(x + 32) : default;
        Vector512<float> x3 = T.Pairs == 32 ? Vector512.Load(x + 48) : default;

        // Magnitudes have the order of their bits, and NaN comes last.
        Vector512<int> mask = Vector512.Create(Magnitude);
        Vector512<int> largest = Vector512.Max(
            Vector512.Max(x0.AsInt32() & mask, x1.AsInt32() & mask), Vector512.Max(x2.AsInt32() & mask, x3.AsInt32() & mask));
        Vector256<int> eight = Vector256.Max(largest.GetLower(), largest.GetUpper());
        Vector128<int> four = Vector128.Max(eight.GetLower(), eight.GetUpper());
        four = Vector128.Max(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        int bits = Vector128.Max(four, Vector128.Shuffle(four, Vector128.Create(1, 0, 3, 2))).ToScalar();
        float maximum = BitConverter.Int32BitsToSingle(bits);
        if (bits >= Infinity || maximum < Int8Layout.Smallest)
        {
            new Span<short>(integers, Int8Layout<T>.GroupInputs).Clear();
            return bits >= Infinity ? float.NaN : 0;
        }

        Vector512<float> inverse = Vector512.Create(limit / maximum);
        Vector512<float> shifter = Vector512.Create(Shifter);
        Vector512<int> origin = shifter.AsInt32();
        Vector512<int> q0 = ((x0 * inverse) + shifter).AsInt32() - origin;
        Vector512<int> q1 = ((x1 * inverse) + shifter).AsInt32() - origin;
        Vector512<int> q2 = ((x2 * inverse) + shifter).AsInt32() - origin;
        Vector512<int> q3 = ((x3 * inverse) + shifter).AsInt32() - origin;
        if (T.Pairs == 8)
        {
            Vector512.Narrow(q0, q1).GetLower().Store(integers);
            return maximum / limit;
        }

        Vector512.Narrow(q0, q1).Store(integers);
        if (T.Pairs == 32)
        {
            Vector512.Narrow(q2, q3).Store(integers + 32);
        }

        return maximum / limit;
    }
}
