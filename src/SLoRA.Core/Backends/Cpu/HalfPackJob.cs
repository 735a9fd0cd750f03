using System.Numerics;
using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary>Copies a weight of half precision into panels with the exponents of <see cref="F16Panel"/>.</summary>
internal sealed unsafe class HalfPackJob(WeightSource source, CpuMatrix matrix, int parts) : WordPackJob(source, matrix, parts)
{
    private const int FractionBits = 10;
    private const ushort Sign = 0x8000;
    private const ushort Magnitude = 0x7FFF;

    // 128: exponent 7 with the bias of 15.
    private const ushort TooLarge = 22 << FractionBits;
    private const ushort LeastNormal = 1 << FractionBits;
    private const ushort Shift = F16Panel.ExponentShift << FractionBits;

    /// <summary>Whether every weight is one that the panels can hold: finite, and below 128.</summary>
    public static bool Holds(WeightSource source)
    {
        var elements = (ushort*)source.Data;
        long count = (long)source.Rows * source.Columns;
        long i = 0;
        Vector512<ushort> magnitude = Vector512.Create(Magnitude);
        Vector512<ushort> limit = Vector512.Create(TooLarge);
        for (; i + Vector512<ushort>.Count <= count; i += Vector512<ushort>.Count)
        {
            if (Vector512.GreaterThanOrEqualAny(Vector512.Load(elements + i) & magnitude, limit))
            {
                return false;
            }
        }

        for (; i < count; i++)
        {
            if ((elements[i] & Magnitude) >= TooLarge)
            {
                return false;
            }
        }

        return true;
    }

    /// <inheritdoc/>
    protected override void Pack(byte* panel, int firstOutput, int outputs)
    {
        base.Pack(panel, firstOutput, outputs);
        var halves = (ushort*)panel;
        int count = Matrix.Pairs * 2 * CpuMatrix.PanelOutputs;
        for (int i = 0; i < count; i += Vector512<ushort>.Count)
        {
            Vector512<ushort> half = Vector512.Load(halves + i);
            Vector512<ushort> magnitude = half & Vector512.Create(Magnitude);
            Vector512<ushort> isZero = Vector512.Equals(magnitude, Vector512<ushort>.Zero);
            if (Vector512.LessThanAny(magnitude | (isZero & Vector512.Create(Magnitude)), Vector512.Create(LeastNormal)))
            {
                for (int j = i; j < i + Vector512<ushort>.Count; j++)
                {
                    halves[j] = Moved(halves[j]);
                }
            }
            else
            {
                (half + Vector512.AndNot(Vector512.Create(Shift), isZero)).Store(halves + i);
            }
        }
    }

    /// <summary>A half with the exponent that panels have.</summary>
    private static ushort Moved(ushort half)
    {
        int magnitude = half & Magnitude;
        if (magnitude is 0 or >= LeastNormal)
        {
            return (ushort)(magnitude == 0 ? half : half + Shift);
        }

        // m · 2⁻²⁴, and 2⁻²⁴ has exponent 1: the leading bit says the exponent, what follows it is the fraction.
        int leading = BitOperations.Log2((uint)magnitude);
        int fraction = (magnitude << (FractionBits - leading)) & (LeastNormal - 1);
        return (ushort)((half & Sign) | ((leading + 1) << FractionBits) | fraction);
    }
}
