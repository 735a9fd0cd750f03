using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using SLoRA.Formats;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// The library's own weights of four bits: 32 numbers as <c>scale · (code − zero / 16)</c>, codes from 0 to 15, a zero from 0 to 255, the
/// scale in bfloat16. Of a row of scales the one is taken whose squared error is least, where larger numbers count more. Outputs lie side
/// by side in lanes, so no sum crosses them, and the bits are the same at every vector width.
/// </summary>
internal static unsafe class Int4Group
{
    /// <summary>Numbers of a group.</summary>
    public const int Size = 32;

    /// <summary>Bytes of the codes of 16 outputs.</summary>
    public const int CodeBytes = Size / 2 * CpuMatrix.PanelOutputs;

    private const int Half = 8;
    private const int Stride = CpuMatrix.PanelOutputs;
    private const float LargestCode = 15;
    private const int Trials = 10;

    // Adding 1.5 · 2²³ rounds to an integer.
    private const float Shifter = 12582912f;

    /// <summary>Where eight inputs of an output are in its word.</summary>
    private static ReadOnlySpan<byte> Shifts => [0, 16, 8, 24, 4, 20, 12, 28];

    /// <summary>Quantizes a group of 16 outputs.</summary>
    /// <param name="numbers"><c>[32][16]</c>.</param>
    /// <param name="codes">The planes of codes as <see cref="PackedLayout{TCodes,TScales,T}"/> has them.</param>
    /// <param name="scales">The bits of each scale: 0 for zeros, NaN when a number is not finite.</param>
    /// <param name="zeros">The codes of zero, in sixteenths.</param>
    public static void Quantize(float* numbers, byte* codes, ushort* scales, byte* zeros)
    {
        for (int output = 0; output < Stride; output += Half)
        {
            Quantize8(numbers + output, (uint*)codes + output, scales + output, zeros + output);
        }
    }

    /// <summary>The code of an input in a group's planes.</summary>
    public static int Code(byte* codes, int output, int input) =>
        (int)(((uint*)codes)[(input / Shifts.Length * Stride) + output] >> Shifts[input % Shifts.Length]) & (int)LargestCode;

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Quantize8(float* numbers, uint* codes, ushort* scales, byte* zeros)
    {
        // Codes must reach zero from where the numbers are: what is added has the other sign.
        Vector256<float> high = default, low = default, notFinite = default;
        for (int i = 0; i < Size; i++)
        {
            Vector256<float> x = Vector256.Load(numbers + (i * Stride));
            high = Vector256.ConditionalSelect(Vector256.GreaterThan(x, high), x, high);
            low = Vector256.ConditionalSelect(Vector256.LessThan(x, low), x, low);
            notFinite += x * Vector256<float>.Zero;
        }

        Vector256<float> range = high - low;
        Vector256<float> isFinite = Vector256.Equals(notFinite, Vector256<float>.Zero);
        Vector256<float> isUsed = Vector256.GreaterThanOrEqual(range, Vector256.Create(Int8Layout.Smallest)) & isFinite;
        range = Vector256.ConditionalSelect(isUsed, range, Vector256<float>.One);

        // From here on in parts of the range, so that no square leaves fp32.
        float* z = stackalloc float[3 * Size * Half];
        float* w = z + (Size * Half), wz = w + (Size * Half);
        Vector256<float> squares = default;
        for (int i = 0; i < Size; i++)
        {
            Vector256<float> x = (Vector256.Load(numbers + (i * Stride)) / range) & isUsed;
            squares += x * x;
            x.Store(z + (i * Half));
        }

        // A weight of its own for each number: its size, and what all of them have on average.
        Vector256<float> average = Vector256.Sqrt(squares / Vector256.Create((float)Size));
        var sums = new Sums();
        for (int i = 0; i < Size * Half; i += Half)
        {
            Vector256<float> x = Vector256.Load(z + i), weight = average + Vector256.Abs(x), weighted = weight * x;
            sums.Weight += weight;
            sums.Numbers += weighted;
            weight.Store(w + i);
            weighted.Store(wz + i);
        }

        low = (low / range) & isUsed;
        var best = new Choice(default, default, default, Vector256.Create(float.PositiveInfinity));
        for (int trial = 0; trial <= Trials; trial++)
        {
            // From wide scales, which cut nothing off, to narrow ones, which cut off the largest.
            Choice next = Try(z, w, wz, sums, range, low, LargestCode - 1 + (0.2f * trial));
            Vector256<float> isBetter = Vector256.LessThan(next.Error, best.Error);
            best = new Choice(
                Vector256.ConditionalSelect(isBetter, next.Scale, best.Scale),
                Vector256.ConditionalSelect(isBetter, next.Inverse, best.Inverse),
                Vector256.ConditionalSelect(isBetter, next.Zero, best.Zero),
                Vector256.ConditionalSelect(isBetter, next.Error, best.Error));
        }

        Write(z, best, codes);
        Vector256<uint> bits = (best.Scale & isUsed).AsUInt32() >>> 16;
        bits = Vector256.ConditionalSelect(isFinite.AsUInt32(), bits, Vector256.Create((uint)Elements.Narrow(float.NaN)));
        Vector256<int> zero = Vector256.ConvertToInt32Native(best.Zero & isUsed);
        for (int i = 0; i < Half; i++)
        {
            scales[i] = (ushort)bits[i];
            zeros[i] = (byte)zero[i];
        }
    }

    /// <summary>The best scale and zero for codes of one width, by least squares, and their error.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Choice Try(float* z, float* w, float* wz, in Sums sums, Vector256<float> range, Vector256<float> low, float width)
    {
        Vector256<float> inverse = Vector256.Create(width), q = default, qq = default, qx = default;
        Vector256<float> start = low * inverse;
        for (int i = 0; i < Size * Half; i += Half)
        {
            Vector256<float> code = Code((Vector256.Load(z + i) * inverse) - start);
            Vector256<float> weighted = Vector256.Load(w + i) * code;
            q += weighted;
            qq += weighted * code;
            qx += Vector256.Load(wz + i) * code;
        }

        Vector256<float> determinant = (sums.Weight * qq) - (q * q);
        Vector256<float> scale = ((sums.Weight * qx) - (q * sums.Numbers)) / determinant;
        Vector256<float> offset = ((qq * sums.Numbers) - (q * qx)) / determinant;

        // Out of reach: the best scale without an offset.
        Vector256<float> isOut = Vector256.GreaterThan(offset, Vector256<float>.Zero);
        scale = Vector256.ConditionalSelect(isOut, qx / qq, scale);
        offset = Vector256.AndNot(offset, isOut);
        Vector256<float> fits = Vector256.GreaterThan(determinant, Vector256<float>.Zero) & IsFinite(scale) & IsFinite(offset);
        scale = Vector256.ConditionalSelect(fits, scale, Vector256<float>.One / inverse);
        offset = Vector256.ConditionalSelect(fits, offset, low);

        Vector256<float> stored = Narrow(scale * range);
        scale = stored / range;
        Vector256<float> isValid = Vector256.GreaterThan(scale, Vector256<float>.Zero) & IsFinite(scale);
        scale = Vector256.ConditionalSelect(isValid, scale, Vector256<float>.One);
        Vector256<float> parts = Vector256.Create((float)OwnZeros.ZeroParts);
        Vector256<float> zero = Round(Between(-offset / scale * parts, byte.MaxValue)), shift = zero / parts, error = default;
        inverse = Vector256<float>.One / scale;
        for (int i = 0; i < Size * Half; i += Half)
        {
            Vector256<float> x = Vector256.Load(z + i);
            Vector256<float> e = x - (scale * (Code((x * inverse) + shift) - shift));
            error += Vector256.Load(w + i) * e * e;
        }

        return new Choice(stored, inverse, zero, Vector256.ConditionalSelect(isValid, error, Vector256.Create(float.PositiveInfinity)));
    }

    /// <summary>Writes the codes: eight inputs to a word, as <see cref="PackedCodes"/> says.</summary>
    private static void Write(float* z, in Choice best, uint* codes)
    {
        ReadOnlySpan<byte> shifts = Shifts;
        Vector256<float> shift = best.Zero / Vector256.Create((float)OwnZeros.ZeroParts);
        for (int first = 0; first < Size; first += shifts.Length)
        {
            Vector256<uint> word = default;
            for (int i = 0; i < shifts.Length; i++)
            {
                Vector256<float> code = Code((Vector256.Load(z + ((first + i) * Half)) * best.Inverse) + shift);
                word |= Vector256.ConvertToInt32Native(code).AsUInt32() << shifts[i];
            }

            word.Store(codes + (first / shifts.Length * Stride));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Code(Vector256<float> value) => Round(Between(value, LargestCode));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Between(Vector256<float> value, float limit) =>
        Vector256.MinNative(Vector256.MaxNative(value, Vector256<float>.Zero), Vector256.Create(limit));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Round(Vector256<float> value)
    {
        Vector256<float> shifter = Vector256.Create(Shifter);
        return (value + shifter) - shifter;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> IsFinite(Vector256<float> value) =>
        Vector256.Equals(value * Vector256<float>.Zero, Vector256<float>.Zero);

    /// <summary>To bfloat16, ties to even, and back.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Narrow(Vector256<float> value)
    {
        Vector256<uint> bits = value.AsUInt32(), half = Vector256.Create(0x7FFFu), odd = (bits >>> 16) & Vector256<uint>.One;
        return ((bits + half + odd) & Vector256.Create(0xFFFF0000u)).AsSingle();
    }

    /// <summary>Sums over the numbers of a group: of their weights, and of themselves times those.</summary>
    private record struct Sums(Vector256<float> Weight, Vector256<float> Numbers);

    /// <summary>A scale, what numbers in parts of the range are multiplied by to become codes, the code of zero, and the error.</summary>
    private readonly record struct Choice(
        Vector256<float> Scale, Vector256<float> Inverse, Vector256<float> Zero, Vector256<float> Error);
}
