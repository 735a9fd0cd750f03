namespace SLoRA.Backends.Cpu;

/// <summary>Copies a weight of 16-bit elements into panels, <c>[pairs of inputs][16][2]</c>.</summary>
internal unsafe class WordPackJob(WeightSource source, CpuMatrix matrix, int parts) : PackJob(matrix, parts)
{
    /// <inheritdoc/>
    protected override void Pack(byte* panel, int firstOutput, int outputs)
    {
        // The words of a pair lie side by side in the source as well.
        var destination = (uint*)panel;
        int inputs = source.Columns;
        var first = (ushort*)source.Data + (firstOutput * (long)inputs);
        Transposition.ToPanel((byte*)first, (nint)inputs * sizeof(ushort), outputs, inputs / 2, destination);
        for (int j = 0; (inputs & 1) != 0 && j < outputs; j++)
        {
            destination[(inputs / 2 * CpuMatrix.PanelOutputs) + j] = first[(j * (long)inputs) + inputs - 1];
        }
    }
}
