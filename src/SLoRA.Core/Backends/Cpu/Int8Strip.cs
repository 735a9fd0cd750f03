namespace SLoRA.Backends.Cpu;

/// <summary>
/// Runs an int8 kernel along the panels of a <see cref="PanelBlock"/>, for the same rows: leaf by leaf, then the leaves added.
/// </summary>
internal static unsafe class Int8Strip
{
    /// <summary>Multiplies rows by as many panels as the kernel can take so many at once of.</summary>
    /// <param name="block">The block.</param>
    /// <param name="row">First row.</param>
    /// <param name="rows">Rows of the kernel.</param>
    /// <param name="panel">First panel.</param>
    /// <param name="panels">Panels of the kernel.</param>
    /// <param name="kernel">A kernel as <see cref="Int8Kernels512"/> has them.</param>
    /// <returns>The first panel that is left.</returns>
    public static int Run<T>(
        in PanelBlock block, int row, int rows, int panel, int panels,
        delegate*<int*, nint, float*, nint, byte*, nint, int, float*, void> kernel)
        where T : struct, IInt8Groups
    {
        QuantizedSpan x = block.Quantized;
        for (; panel + panels <= block.EndPanel; panel += panels)
        {
            for (int leaf = 0; leaf < block.Leaves; leaf++)
            {
                int input = block.FirstInput(leaf);
                int group = input / Int8Layout<T>.GroupInputs;
                kernel(
                    x.Row(row) + (input / 2),
                    x.Stride,
                    x.Scales(row) + group,
                    x.ScaleStride,
                    block.Panel(panel) + ((nint)group * Int8Layout<T>.GroupBytes),
                    block.PanelBytes,
                    block.Groups(leaf),
                    block.ResultOf(leaf));
                PackedOffsets.Add<T>(block, leaf, row, rows, panel, panels);
            }

            block.AddLeaves(rows * panels);
            block.Store(row, rows, panel, panels);
        }

        return panel;
    }
}
