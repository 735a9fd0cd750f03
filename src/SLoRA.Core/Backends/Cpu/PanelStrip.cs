namespace SLoRA.Backends.Cpu;

/// <summary>
/// Runs a kernel of floating-point weights along the panels of a <see cref="PanelBlock"/>, for the same rows: leaf by leaf, then the leaves
/// added.
/// </summary>
internal static unsafe class PanelStrip
{
    /// <summary>Multiplies rows by as many panels as the kernel can take so many at once of.</summary>
    /// <param name="block">The block.</param>
    /// <param name="row">First row.</param>
    /// <param name="rows">Rows of the kernel.</param>
    /// <param name="panel">First panel.</param>
    /// <param name="panels">Panels of the kernel.</param>
    /// <param name="kernel">A kernel as <see cref="PanelKernels512"/> has them.</param>
    /// <returns>The first panel that is left.</returns>
    public static int Run<T>(
        in PanelBlock block, int row, int rows, int panel, int panels, delegate*<float*, nint, byte*, nint, int, float*, void> kernel)
        where T : struct, IPanelWeights
    {
        for (; panel + panels <= block.EndPanel; panel += panels)
        {
            for (int leaf = 0; leaf < block.Leaves; leaf++)
            {
                kernel(
                    X(block, row, leaf), block.X.Stride, W<T>(block, panel, leaf), block.PanelBytes, block.Pairs(leaf),
                    block.ResultOf(leaf));
            }

            block.AddLeaves(rows * panels);
            block.Store(row, rows, panel, panels);
        }

        return panel;
    }

    /// <summary>The same for a kernel that asks ahead for weights (<see cref="PanelBlock.Fetch"/>).</summary>
    /// <returns>The first panel that is left.</returns>
    public static int Run<T>(
        in PanelBlock block, int row, int rows, int panel, int panels, delegate*<float*, nint, byte*, nint, int, nint, float*, void> kernel)
        where T : struct, IPanelWeights
    {
        for (; panel + panels <= block.EndPanel; panel += panels)
        {
            for (int leaf = 0; leaf < block.Leaves; leaf++)
            {
                kernel(
                    X(block, row, leaf), block.X.Stride, W<T>(block, panel, leaf), block.PanelBytes, block.Pairs(leaf),
                    block.Fetch(row), block.ResultOf(leaf));
            }

            block.AddLeaves(rows * panels);
            block.Store(row, rows, panel, panels);
        }

        return panel;
    }

    /// <summary>The inputs of a row that a leaf begins with.</summary>
    public static float* X(in PanelBlock block, int row, int leaf) => block.X.Row(row) + block.FirstInput(leaf);

    /// <summary>The weights of a panel that a leaf begins with.</summary>
    public static byte* W<T>(in PanelBlock block, int panel, int leaf)
        where T : struct, IPanelWeights
        => block.Panel(panel) + (block.FirstInput(leaf) / 2 * T.PairBytes);
}
