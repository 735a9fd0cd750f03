namespace SLoRA.Backends.Cpu;

/// <summary>
/// Fills the panels of a <see cref="CpuMatrix"/> from a row-major weight <c>[outputs, inputs]</c>, in parts of whole panels.
/// </summary>
/// <param name="matrix">The matrix; its memory is zeroed.</param>
/// <param name="parts">In how many parts.</param>
internal abstract unsafe class PackJob(CpuMatrix matrix, int parts) : ComputeJob
{
    /// <summary>The matrix.</summary>
    protected CpuMatrix Matrix { get; } = matrix;

    /// <inheritdoc/>
    public sealed override void Execute(int part, int worker)
    {
        (int first, int end) = Share(Matrix.Panels, part, parts);
        for (int panel = first; panel < end; panel++)
        {
            int firstOutput = panel * CpuMatrix.PanelOutputs;
            Pack(Matrix.Panel(panel), firstOutput, Math.Min(CpuMatrix.PanelOutputs, Matrix.Outputs - firstOutput));
        }
    }

    /// <summary>Fills a panel with some outputs.</summary>
    protected abstract void Pack(byte* panel, int firstOutput, int outputs);
}
