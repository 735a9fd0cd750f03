using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary>Copies a weight of 16-bit elements into panels, <c>[pairs of inputs][16][2]</c>.</summary>
internal sealed unsafe class WordPackJob(WeightSource source, CpuMatrix matrix, int parts) : PackJob(matrix, parts)
{
    /// <summary>True if a half-precision weight holds an infinity or NaN, which the product with halves does not widen.</summary>
    public static bool HasSpecials(WeightSource source)
    {
        // The exponent field is all ones exactly then.
        var elements = (ushort*)source.Data;
        long count = (long)source.Rows * source.Columns;
        long i = 0;
        Vector512<ushort> exponent = Vector512.Create((ushort)0x7C00);
        for (; i + Vector512<ushort>.Count <= count; i += Vector512<ushort>.Count)
        {
            if (Vector512.EqualsAny(Vector512.Load(elements + i) & exponent, exponent))
            {
                return true;
            }
        }

        for (; i < count; i++)
        {
            if ((elements[i] & 0x7C00) == 0x7C00)
            {
                return true;
            }
        }

        return false;
    }

    /// <inheritdoc/>
    protected override void Pack(byte* panel, int firstOutput, int outputs)
    {
        var destination = (uint*)panel;
        int inputs = source.Columns;
        var first = (ushort*)source.Data + (firstOutput * (long)inputs);
        for (int pair = 0; pair < inputs / 2; pair++)
        {
            // A pair lies side by side in the source as well, and 16 of them fill a cache line.
            ushort* row = first + (2 * pair);
            for (int j = 0; j < outputs; j++, row += inputs)
            {
                destination[(pair * CpuMatrix.PanelOutputs) + j] = Unsafe.ReadUnaligned<uint>(row);
            }
        }

        for (int j = 0; (inputs & 1) != 0 && j < outputs; j++)
        {
            destination[(inputs / 2 * CpuMatrix.PanelOutputs) + j] = first[(j * (long)inputs) + inputs - 1];
        }
    }
}
