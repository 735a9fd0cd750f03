using SLoRA.Formats;

namespace SLoRA.Backends.Cpu;

/// <summary>Copies a row-major weight <c>[outputs, inputs]</c> into the panels of a <see cref="CpuMatrix"/>, part by part of whole panels.</summary>
internal sealed unsafe class PackJob(WeightSource source, CpuMatrix matrix, int parts) : ComputeJob
{
    /// <summary>True if a half-precision weight holds an infinity or NaN.</summary>
    public static bool HasSpecials(WeightSource source)
    {
        // The exponent field is all ones exactly then.
        var elements = (ushort*)source.Data;
        long count = (long)source.Rows * source.Columns;
        for (long i = 0; i < count; i++)
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
        var destination = (ushort*)matrix.Panel(panel);
        int inputs = matrix.Inputs;
        for (int j = 0; j < outputs; j++)
        {
            ushort* row = (ushort*)source.Data + ((firstOutput + j) * (long)inputs);
            for (int k = 0; k < inputs; k++)
            {
                destination[((k >> 1) * 32) + (2 * j) + (k & 1)] = row[k];
            }
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
