namespace SLoRA.Backends.Cpu;

/// <summary>Widens a weight of any format into panels of fp32, <c>[inputs][16]</c>.</summary>
internal sealed unsafe class FloatPackJob(WeightSource source, CpuMatrix matrix, int parts) : PackJob(matrix, parts)
{
    /// <inheritdoc/>
    protected override void Pack(byte* panel, int firstOutput, int outputs)
    {
        var row = new float[source.Columns];
        for (int j = 0; j < outputs; j++)
        {
            source.Format.Widen(source.Row(firstOutput + j), row);
            for (int k = 0; k < row.Length; k++)
            {
                ((float*)panel)[(k * CpuMatrix.PanelOutputs) + j] = row[k];
            }
        }
    }
}
