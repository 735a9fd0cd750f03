using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using SLoRA.Formats;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// Copies a row-major weight <c>[outputs, inputs]</c> into the panels of a <see cref="CpuMatrix"/>, part by part of whole panels.
/// </summary>
internal sealed unsafe class PackJob(WeightSource source, CpuMatrix matrix, int parts) : ComputeJob
{
    /// <summary>True if a half-precision weight holds an infinity or NaN.</summary>
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
    public override void Execute(int part, int worker)
    {
        (int first, int end) = Share(matrix.Panels, part, parts);
        for (int panel = first; panel < end; panel++)
        {
            if (matrix.Type == TensorType.F32)
            {
                PackFloats(panel);
            }
            else
            {
                PackWords(panel);
            }
        }
    }

    private void PackWords(int panel)
    {
        int firstOutput = panel * CpuMatrix.PanelOutputs;
        int outputs = Math.Min(CpuMatrix.PanelOutputs, matrix.Outputs - firstOutput);
        var destination = (uint*)matrix.Panel(panel);
        int inputs = matrix.Inputs;
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

    private void PackFloats(int panel)
    {
        int firstOutput = panel * CpuMatrix.PanelOutputs;
        int outputs = Math.Min(CpuMatrix.PanelOutputs, matrix.Outputs - firstOutput);
        var destination = (float*)matrix.Panel(panel);
        int inputs = matrix.Inputs;
        for (int j = 0; j < outputs; j++)
        {
            long first = (firstOutput + j) * (long)inputs;
            for (int k = 0; k < inputs; k++)
            {
                destination[(k * CpuMatrix.PanelOutputs) + j] = source.Type == TensorType.F32
                    ? ((float*)source.Data)[first + k]
                    : (float)((Half*)source.Data)[first + k];
            }
        }
    }
}
