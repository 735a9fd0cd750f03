using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// The library's own weights of eight bits, quantized as <see cref="Int8Group"/> does it, to the bit, but with the 16 outputs of a panel
/// side by side: no lane has to wait for another.
/// </summary>
/// <typeparam name="T">The groups.</typeparam>
internal static unsafe class OwnBytes<T>
    where T : struct, IInt8Groups
{
    // Adding 1.5 · 2²³ rounds to an integer and leaves it in the low bits; the number's own lower 16 are 0.
    private const float Shifter = 12582912f;

    private const int Stride = CpuMatrix.PanelOutputs;
    private const int Magnitude = 0x7FFF_FFFF;
    private const int Infinity = 0x7F80_0000;

    /// <summary>Quantizes a group.</summary>
    /// <param name="numbers"><c>[inputs][16]</c>.</param>
    /// <param name="group">Integers and scales as <see cref="Int8Layout{T}"/> has them.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Quantize(float* numbers, byte* group)
    {
        for (int output = 0; output < Stride; output += Vector256<float>.Count)
        {
            Quantize(
                numbers + output, (ushort*)group + output, (float*)(group + Int8Layout<T>.IntegerBytes) + output);
        }
    }

    /// <summary>Eight outputs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quantize(float* numbers, ushort* integers, float* scales)
    {
        // Magnitudes have the order of their bits, and NaN comes last.
        Vector256<int> even = default, odd = default, mask = Vector256.Create(Magnitude);
        for (int pair = 0; pair < T.Pairs; pair++)
        {
            even = Vector256.Max(even, Vector256.Load(numbers + (2 * pair * Stride)).AsInt32() & mask);
            odd = Vector256.Max(odd, Vector256.Load(numbers + (((2 * pair) + 1) * Stride)).AsInt32() & mask);
        }

        Vector256<int> largest = Vector256.Max(even, odd), isFinite = Vector256.LessThan(largest, Vector256.Create(Infinity));
        Vector256<float> limit = Vector256.Create((float)Int8Layout.WeightLimit);
        Vector256<float> isUsed = isFinite.AsSingle()
            & Vector256.GreaterThanOrEqual(largest.AsSingle(), Vector256.Create(Int8Layout.Smallest));
        Vector256<float> maximum = Vector256.ConditionalSelect(isUsed, largest.AsSingle(), limit), inverse = limit / maximum;
        Vector256<float> shifter = Vector256.Create(Shifter);
        Vector256<uint> evenBytes = isUsed.AsUInt32() & Vector256.Create(0x00FFu), oddBytes = evenBytes << 8;
        for (int pair = 0; pair < T.Pairs; pair++)
        {
            float* of = numbers + (2 * pair * Stride);
            Vector256<float> first = (Vector256.Load(of) * inverse) + shifter, second = (Vector256.Load(of + Stride) * inverse) + shifter;
            Vector256<uint> both = (first.AsUInt32() & evenBytes) | ((second.AsUInt32() << 8) & oddBytes);
            Vector128.Narrow(both.GetLower(), both.GetUpper()).Store(integers + (pair * Stride));
        }

        Vector256<float> unused = Vector256.AndNot(Vector256.Create(float.NaN), isFinite.AsSingle());
        Vector256.ConditionalSelect(isUsed, maximum / limit, unused).Store(scales);
    }
}
