using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using SLoRA.Formats;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// The library's own weights of four and five bits: 32 numbers as <c>scale · (code − zero)</c>, zero half of the codes, the scale in
/// bfloat16 and of either sign, so that the number with the largest magnitude is on the side that has one code more. Of a row of scales
/// the one is taken whose squared error is least. Outputs lie side by side in lanes, so no sum crosses them, and the bits are the same at
/// every vector width.
/// </summary>
/// <typeparam name="TCodes">The codes.</typeparam>
internal static unsafe class OwnGroup<TCodes>
    where TCodes : struct, IPackedCodes
{
    /// <summary>Numbers of a group.</summary>
    public const int Size = 32;

    private const int Lanes8 = 8;
    private const int Stride = CpuMatrix.PanelOutputs;
    private const int Nibble = 15;
    private const int NibbleBits = 4;

    // Adding 1.5 · 2²³ rounds to an integer and leaves it in the low bits.
    private const float Shifter = 12582912f;

    /// <summary>Where eight inputs of an output are in its word.</summary>
    private static ReadOnlySpan<byte> Shifts => [0, 16, 8, 24, 4, 20, 12, 28];

    /// <summary>
    /// How many codes behind its last one the largest number would have, two trials at a time: behind it the largest are cut off, before it
    /// all codes are finer than they need be.
    /// </summary>
    private static ReadOnlySpan<float> Beyond => [-1f, -0.6f, -0.2f, 0.2f, 0.6f, 1f];

    /// <summary>Bytes of a group of 16 outputs.</summary>
    public static int Bytes => PackedLayout<TCodes, BrainScales, Groups32>.GroupBytes;

    /// <summary>Quantizes a group of 16 outputs.</summary>
    /// <param name="numbers"><c>[32][16]</c>.</param>
    /// <param name="group">
    /// Codes and scales as <see cref="PackedLayout{TCodes,TScales,T}"/> has them. A scale is 0 for zeros, NaN when a number is not finite.
    /// </param>
    public static void Quantize(float* numbers, byte* group)
    {
        byte* high = group + PackedLayout<TCodes, BrainScales, Groups32>.HighAt;
        byte* scales = group + PackedLayout<TCodes, BrainScales, Groups32>.ScalesAt;
        for (int output = 0; output < Stride; output += Lanes8)
        {
            Quantize8(numbers + output, (uint*)group + output, (uint*)high + output, (ushort*)scales + output);
        }
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

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Quantize8(float* numbers, uint* codes, uint* highBits, ushort* scales)
    {
        Vector256<float> high = default, low = default, notFinite = default;
        for (int i = 0; i < Size; i++)
        {
            Vector256<float> x = Vector256.Load(numbers + (i * Stride));
            high = Vector256.MaxNative(high, x);
            low = Vector256.MinNative(low, x);
            notFinite += x * Vector256<float>.Zero;
        }

        Vector256<float> largest = Vector256.ConditionalSelect(Vector256.GreaterThan(-low, high), low, high);
        Vector256<float> isFinite = Vector256.Equals(notFinite, Vector256<float>.Zero);
        Vector256<float> isUsed =
            Vector256.GreaterThanOrEqual(Vector256.Abs(largest), Vector256.Create(Int8Layout.Smallest)) & isFinite;
        largest = Vector256.ConditionalSelect(isUsed, largest, Vector256<float>.One);

        // From here on in parts of the largest number, so that no square leaves fp32.
        float* y = stackalloc float[Size * Lanes8];
        Vector256<float> part = Vector256<float>.One / largest;
        for (int i = 0; i < Size; i++)
        {
            ((Vector256.Load(numbers + (i * Stride)) * part) & isUsed).Store(y + (i * Lanes8));
        }

        Vector256<float> scale = Search(y);
        scale = Narrow(scale * largest);
        Write(y, largest / scale, codes, highBits);
        Vector256<uint> bits = (scale & isUsed).AsUInt32() >>> 16;
        bits = Vector256.ConditionalSelect(isFinite.AsUInt32(), bits, Vector256.Create((uint)Elements.Narrow(float.NaN)));
        for (int i = 0; i < Lanes8; i++)
        {
            scales[i] = (ushort)bits[i];
        }
    }

    /// <summary>The best of the scales: for given codes the error is least where what they explain, (Σ y q)² / Σ q², is most.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Search(float* y)
    {
        Vector256<float> best = default, scale = Vector256.Create(-1f / TCodes.Zero);
        for (int trial = 0; trial < Beyond.Length; trial += 2)
        {
            Vector256<float> inverseA = Vector256.Create(-TCodes.Zero - Beyond[trial]);
            Vector256<float> inverseB = Vector256.Create(-TCodes.Zero - Beyond[trial + 1]);
            Vector256<float> qqA = default, qyA = default, qqB = default, qyB = default;
            for (int i = 0; i < Size * Lanes8; i += Lanes8)
            {
                Vector256<float> x = Vector256.Load(y + i);
                Vector256<float> a = Round(Between(x * inverseA)), b = Round(Between(x * inverseB));
                qqA += a * a;
                qyA += x * a;
                qqB += b * b;
                qyB += x * b;
            }

            Take(qqA, qyA, ref best, ref scale);
            Take(qqB, qyB, ref best, ref scale);
        }

        return scale;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Take(Vector256<float> qq, Vector256<float> qy, ref Vector256<float> best, ref Vector256<float> scale)
    {
        Vector256<float> fitted = qy / qq, explained = qy * fitted;
        Vector256<float> isBetter = Vector256.GreaterThan(explained, best);
        best = Vector256.ConditionalSelect(isBetter, explained, best);
        scale = Vector256.ConditionalSelect(isBetter, fitted, scale);
    }

    /// <summary>Writes the codes: eight inputs to a word, as <see cref="PackedCodes"/> says; a fifth bit of all to another.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write(float* y, Vector256<float> inverse, uint* codes, uint* highBits)
    {
        ReadOnlySpan<byte> shifts = Shifts;
        Vector256<float> toCode = Vector256.Create(Shifter + TCodes.Zero);
        Vector256<uint> nibble = Vector256.Create((uint)Nibble), high = default;
        for (int first = 0; first < Size; first += shifts.Length)
        {
            Vector256<uint> word = default;
            for (int i = 0; i < shifts.Length; i++)
            {
                int input = first + i;
                Vector256<uint> code = (Between(Vector256.Load(y + (input * Lanes8)) * inverse) + toCode).AsUInt32();
                word |= (code & nibble) << shifts[i];
                if (TCodes.HighBits > 0)
                {
                    high |= ((code >>> NibbleBits) & Vector256<uint>.One) << HighShift(input);
                }
            }

            word.Store(codes + (first / shifts.Length * Stride));
        }

        if (TCodes.HighBits > 0)
        {
            high.Store(highBits);
        }
    }

    /// <summary>Where an input's fifth bit is in the word of an output: those of pairs, lowest first, a half for either input.</summary>
    private static int HighShift(int input) => (16 * (input % 2)) + (input / 2);

    /// <summary>Not beyond the codes that there are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Between(Vector256<float> value) => Vector256.MinNative(
        Vector256.MaxNative(value, Vector256.Create((float)-TCodes.Zero)), Vector256.Create((float)TCodes.Zero - 1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Round(Vector256<float> value)
    {
        Vector256<float> shifter = Vector256.Create(Shifter);
        return (value + shifter) - shifter;
    }

    /// <summary>To bfloat16, ties to even, and back.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Narrow(Vector256<float> value)
    {
        Vector256<uint> bits = value.AsUInt32(), half = Vector256.Create(0x7FFFu), odd = (bits >>> 16) & Vector256<uint>.One;
        return ((bits + half + odd) & Vector256.Create(0xFFFF0000u)).AsSingle();
    }
}
