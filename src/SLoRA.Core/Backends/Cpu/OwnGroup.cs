using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using SLoRA.Formats;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// The library's own weights of four and five bits: 32 numbers as <c>scale · (code − zero)</c>, zero half of the codes, the scale in
/// bfloat16 and of either sign, so that the number with the largest magnitude is on the side that has one code more. Of a row of scales
/// the one is taken whose squared error is least. Outputs lie side by side in lanes, so no sum crosses them, and the bits are the same at
/// every vector width that has the same <see cref="MultiplyAdd"/>.
/// </summary>
/// <typeparam name="TCodes">The codes.</typeparam>
internal static unsafe class OwnGroup<TCodes>
    where TCodes : struct, IPackedCodes
{
    /// <summary>Numbers of a group.</summary>
    public const int Size = 32;

    private const int Stride = CpuMatrix.PanelOutputs;
    private const int Nibble = 15;
    private const int NibbleBits = 4;

    // Adding 1.5 · 2²³ rounds to an integer and leaves it in the low bits.
    private const float Shifter = 12582912f;

    /// <summary>Where eight inputs of an output are in its word.</summary>
    private static ReadOnlySpan<byte> Shifts => [0, 16, 8, 24, 4, 20, 12, 28];

    /// <summary>Bytes of a group of 16 outputs.</summary>
    public static int Bytes => PackedLayout<TCodes, BrainScales, Groups32>.GroupBytes;

    /// <summary>Quantizes a group of 16 outputs.</summary>
    /// <param name="numbers"><c>[32][16]</c>.</param>
    /// <param name="group">
    /// Codes and scales as <see cref="PackedLayout{TCodes,TScales,T}"/> has them. A scale is 0 for zeros, NaN when a number is not finite.
    /// </param>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Quantize(float* numbers, byte* group)
    {
        Vector512<float> high = default, low = default, zero = default;
        for (int i = 0; i < Size * Stride; i += Stride)
        {
            Vector512<float> x = Vector512.Load(numbers + i);
            high = Vector512.MaxNative(high, x);
            low = Vector512.MinNative(low, x);
            zero = MultiplyAdd.Of(x, Vector512<float>.Zero, zero);
        }

        Vector512<float> largest = Vector512.ConditionalSelect(Vector512.GreaterThan(-low, high), low, high);
        Vector512<float> isFinite = Vector512.Equals(zero, Vector512<float>.Zero);
        Vector512<float> isUsed =
            Vector512.GreaterThanOrEqual(Vector512.Abs(largest), Vector512.Create(Int8Layout.Smallest)) & isFinite;
        largest = Vector512.ConditionalSelect(isUsed, largest, Vector512<float>.One);

        // From here on in parts of the largest number, so that no square leaves fp32.
        float* y = stackalloc float[Size * Stride];
        Vector512<float> part = Vector512<float>.One / largest;
        for (int i = 0; i < Size * Stride; i += Stride)
        {
            ((Vector512.Load(numbers + i) * part) & isUsed).Store(y + i);
        }

        Vector512<float> scale = Vector512.IsHardwareAccelerated
            ? Search512(y)
            : Vector512.Create(Search256(y), Search256(y + Vector256<float>.Count));
        scale = Narrow(scale * largest);
        Write(
            y, largest / scale, (uint*)group, (uint*)(group + PackedLayout<TCodes, BrainScales, Groups32>.HighAt));
        Vector512<uint> bits = Vector512.ConditionalSelect(
            isFinite.AsUInt32(), (scale & isUsed).AsUInt32() >>> 16, Vector512.Create((uint)Elements.Narrow(float.NaN)));
        Vector256.Narrow(bits.GetLower(), bits.GetUpper())
            .Store((ushort*)(group + PackedLayout<TCodes, BrainScales, Groups32>.ScalesAt));
    }

    /// <summary>A number as its group has it.</summary>
    public static float Value(byte* group, int output, int input)
    {
        uint code = (((uint*)group)[(input / Shifts.Length * Stride) + output] >> Shifts[input % Shifts.Length]) & Nibble;
        if (TCodes.HighBits > 0)
        {
            byte* high = group + PackedLayout<TCodes, BrainScales, Groups32>.HighAt;
            code |= ((((uint*)high)[output] >> HighShift(input)) & 1) << NibbleBits;
        }

        ushort scale = ((ushort*)(group + PackedLayout<TCodes, BrainScales, Groups32>.ScalesAt))[output];
        return Elements.Widen(scale) * ((int)code - TCodes.Zero);
    }

    /// <summary>
    /// The best of six scales for each output: for given codes the error is least where what they explain, (Σ y q)² / Σ q², is most. They
    /// differ in how many codes behind its last one the largest number would have: behind it the largest are cut off, before it all codes
    /// are finer than they need be.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static Vector512<float> Search512(float* y)
    {
        Vector512<float> best = default, scale = Vector512.Create(-1f / TCodes.Zero);
        Try(y, -1f, -0.6f, 0, ref best, ref scale);
        Try(y, -0.2f, 0.2f, 1, ref best, ref scale);
        Try(y, 0.6f, 1f, 2, ref best, ref scale);
        return scale;
    }

    /// <summary><see cref="Search512"/> for eight outputs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static Vector256<float> Search256(float* y)
    {
        Vector256<float> best = default, scale = Vector256.Create(-1f / TCodes.Zero);
        Try(y, -1f, -0.6f, 0, ref best, ref scale);
        Try(y, -0.2f, 0.2f, 1, ref best, ref scale);
        Try(y, 0.6f, 1f, 2, ref best, ref scale);
        return scale;
    }

    /// <summary>Two scales.</summary>
    /// <param name="y">Numbers in parts of the largest.</param>
    /// <param name="beyondA">How many codes behind the last one the largest would have.</param>
    /// <param name="beyondB">The same of the other scale.</param>
    /// <param name="ends">
    /// How many ends of the codes numbers can be beyond: codes have one less on the side that the largest number is not on.
    /// </param>
    /// <param name="best">What the best explains.</param>
    /// <param name="scale">It.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Try(
        float* y, float beyondA, float beyondB, int ends, ref Vector512<float> best, ref Vector512<float> scale)
    {
        Vector512<float> inverseA = Vector512.Create(-TCodes.Zero - beyondA), inverseB = Vector512.Create(-TCodes.Zero - beyondB);
        Vector512<float> shifter = Vector512.Create(Shifter);
        Vector512<float> last = Vector512.Create(Shifter + TCodes.Zero - 1), first = Vector512.Create(Shifter - TCodes.Zero);
        Vector512<float> qqA = default, qyA = default, qqB = default, qyB = default;
        for (int i = 0; i < Size * Stride; i += Stride)
        {
            Vector512<float> x = Vector512.Load(y + i);
            Vector512<float> a = MultiplyAdd.Of(x, inverseA, shifter), b = MultiplyAdd.Of(x, inverseB, shifter);
            if (ends > 0)
            {
                (a, b) = (Vector512.MinNative(a, last), Vector512.MinNative(b, last));
            }

            if (ends > 1)
            {
                (a, b) = (Vector512.MaxNative(a, first), Vector512.MaxNative(b, first));
            }

            a -= shifter;
            b -= shifter;
            qqA = MultiplyAdd.Of(a, a, qqA);
            qyA = MultiplyAdd.Of(x, a, qyA);
            qqB = MultiplyAdd.Of(b, b, qqB);
            qyB = MultiplyAdd.Of(x, b, qyB);
        }

        Take(qqA, qyA, ref best, ref scale);
        Take(qqB, qyB, ref best, ref scale);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Try(
        float* y, float beyondA, float beyondB, int ends, ref Vector256<float> best, ref Vector256<float> scale)
    {
        Vector256<float> inverseA = Vector256.Create(-TCodes.Zero - beyondA), inverseB = Vector256.Create(-TCodes.Zero - beyondB);
        Vector256<float> shifter = Vector256.Create(Shifter);
        Vector256<float> last = Vector256.Create(Shifter + TCodes.Zero - 1), first = Vector256.Create(Shifter - TCodes.Zero);
        Vector256<float> qqA = default, qyA = default, qqB = default, qyB = default;
        for (int i = 0; i < Size * Stride; i += Stride)
        {
            Vector256<float> x = Vector256.Load(y + i);
            Vector256<float> a = MultiplyAdd.Of(x, inverseA, shifter), b = MultiplyAdd.Of(x, inverseB, shifter);
            if (ends > 0)
            {
                (a, b) = (Vector256.MinNative(a, last), Vector256.MinNative(b, last));
            }

            if (ends > 1)
            {
                (a, b) = (Vector256.MaxNative(a, first), Vector256.MaxNative(b, first));
            }

            a -= shifter;
            b -= shifter;
            qqA = MultiplyAdd.Of(a, a, qqA);
            qyA = MultiplyAdd.Of(x, a, qyA);
            qqB = MultiplyAdd.Of(b, b, qqB);
            qyB = MultiplyAdd.Of(x, b, qyB);
        }

        Take(qqA, qyA, ref best, ref scale);
        Take(qqB, qyB, ref best, ref scale);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Take(Vector512<float> qq, Vector512<float> qy, ref Vector512<float> best, ref Vector512<float> scale)
    {
        Vector512<float> fitted = qy / qq, explained = qy * fitted, isBetter = Vector512.GreaterThan(explained, best);
        best = Vector512.ConditionalSelect(isBetter, explained, best);
        scale = Vector512.ConditionalSelect(isBetter, fitted, scale);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Take(Vector256<float> qq, Vector256<float> qy, ref Vector256<float> best, ref Vector256<float> scale)
    {
        Vector256<float> fitted = qy / qq, explained = qy * fitted, isBetter = Vector256.GreaterThan(explained, best);
        best = Vector256.ConditionalSelect(isBetter, explained, best);
        scale = Vector256.ConditionalSelect(isBetter, fitted, scale);
    }

    /// <summary>Writes the codes: eight inputs to a word, as <see cref="PackedCodes"/> says; a fifth bit of all to another.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Write(float* y, Vector512<float> inverse, uint* codes, uint* highBits)
    {
        Vector512<uint> high = default;
        for (int input = 0; input < Size; input += 8)
        {
            float* of = y + (input * Stride);
            Vector512<uint> code0 = Code(of, inverse), code1 = Code(of + Stride, inverse);
            Vector512<uint> code2 = Code(of + (2 * Stride), inverse), code3 = Code(of + (3 * Stride), inverse);
            Vector512<uint> code4 = Code(of + (4 * Stride), inverse), code5 = Code(of + (5 * Stride), inverse);
            Vector512<uint> code6 = Code(of + (6 * Stride), inverse), code7 = Code(of + (7 * Stride), inverse);
            if (TCodes.HighBits > 0)
            {
                // Fifth bits of pairs, lowest first, a half of the word for either input.
                Vector512<uint> even = High(code0, 4) | High(code2, 3) | High(code4, 2) | High(code6, 1);
                Vector512<uint> odd = High(code1, 4) | High(code3, 3) | High(code5, 2) | High(code7, 1);
                high |= (even | (odd << 16)) << (input / 2);
            }

            // Shifts are those of Shifts, in its order.
            Vector512<uint> lower = Low(code0) | (Low(code1) << 16) | (Low(code2) << 8) | (Low(code3) << 24);
            Vector512<uint> upper = (Low(code4) << 4) | (Low(code5) << 20) | (Low(code6) << 12) | (Low(code7) << 28);
            (lower | upper).Store(codes + (input / Shifts.Length * Stride));
        }

        if (TCodes.HighBits > 0)
        {
            high.Store(highBits);
        }
    }

    /// <summary>Codes of an input, in the low bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Code(float* y, Vector512<float> inverse)
    {
        Vector512<float> shifted = MultiplyAdd.Of(Vector512.Load(y), inverse, Vector512.Create(Shifter + TCodes.Zero));
        Vector512<float> first = Vector512.Create(Shifter), last = Vector512.Create(Shifter + (2 * TCodes.Zero) - 1);
        return Vector512.MinNative(Vector512.MaxNative(shifted, first), last).AsUInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Low(Vector512<uint> code) => code & Vector512.Create((uint)Nibble);

    /// <summary>The fifth bit, so many bits further down.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> High(Vector512<uint> code, int shift) =>
        (code & Vector512.Create(1u << NibbleBits)) >>> shift;

    /// <summary>Where an input's fifth bit is in the word of an output: those of pairs, lowest first, a half for either input.</summary>
    private static int HighShift(int input) => (16 * (input % 2)) + (input / 2);

    /// <summary>To bfloat16, ties to even, and back.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Narrow(Vector512<float> value)
    {
        Vector512<uint> bits = value.AsUInt32(), half = Vector512.Create(0x7FFFu), odd = (bits >>> 16) & Vector512<uint>.One;
        return ((bits + half + odd) & Vector512.Create(0xFFFF0000u)).AsSingle();
    }
}
