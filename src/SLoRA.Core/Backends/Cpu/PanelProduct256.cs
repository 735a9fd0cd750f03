namespace SLoRA.Backends.Cpu;

/// <summary>Which kernel of 256 bits takes which rows and panels of a <see cref="PanelBlock"/>.</summary>
internal static unsafe class PanelProduct256
{
    /// <summary>Multiplies all rows by all panels of a block.</summary>
    public static void Multiply<T>(in PanelBlock block)
        where T : struct, IPanelWeights
    {
        for (int row = 0; row < block.Rows;)
        {
            row += (block.Rows - row) switch
            {
                1 => Rows1<T>(block, row),
                2 => Rows2<T>(block, row),
                3 or 4 => Rows4<T>(block, row),
                _ => Rows6<T>(block, row),
            };
        }
    }

    private static int Rows6<T>(in PanelBlock block, int row)
        where T : struct, IPanelWeights
    {
        float* x = block.X.Row(row);
        CpuMatrix matrix = block.Matrix;
        int panel = block.FirstPanel;
        for (; panel < block.EndPanel; panel++)
        {
            for (int leaf = 0; leaf < block.Leaves; leaf++)
            {
                PanelKernels256.Rows6Panels1<T>(
                    x + block.FirstInput(leaf),
                    block.X.Stride,
                    matrix.Panel(panel) + (block.FirstInput(leaf) / 2 * T.PairBytes),
                    matrix.PanelBytes,
                    block.Pairs(leaf),
                    block.Fetch(row),
                    block.ResultOf(leaf));
            }

            block.AddLeaves(6);
            block.Store(row, 6, panel, 1);
        }

        return 6;
    }

    private static int Rows4<T>(in PanelBlock block, int row)
        where T : struct, IPanelWeights
    {
        float* x = block.X.Row(row);
        CpuMatrix matrix = block.Matrix;
        int panel = block.FirstPanel;
        for (; panel < block.EndPanel; panel++)
        {
            for (int leaf = 0; leaf < block.Leaves; leaf++)
            {
                PanelKernels256.Rows4Panels1<T>(
                    x + block.FirstInput(leaf),
                    block.X.Stride,
                    matrix.Panel(panel) + (block.FirstInput(leaf) / 2 * T.PairBytes),
                    matrix.PanelBytes,
                    block.Pairs(leaf),
                    block.ResultOf(leaf));
            }

            block.AddLeaves(4);
            block.Store(row, 4, panel, 1);
        }

        return 4;
    }

    private static int Rows2<T>(in PanelBlock block, int row)
        where T : struct, IPanelWeights
    {
        float* x = block.X.Row(row);
        CpuMatrix matrix = block.Matrix;
        int panel = block.FirstPanel;
        for (; panel + 2 <= block.EndPanel; panel += 2)
        {
            for (int leaf = 0; leaf < block.Leaves; leaf++)
            {
                PanelKernels256.Rows2Panels2<T>(
                    x + block.FirstInput(leaf),
                    block.X.Stride,
                    matrix.Panel(panel) + (block.FirstInput(leaf) / 2 * T.PairBytes),
                    matrix.PanelBytes,
                    block.Pairs(leaf),
                    block.ResultOf(leaf));
            }

            block.AddLeaves(4);
            block.Store(row, 2, panel, 2);
        }

        for (; panel < block.EndPanel; panel++)
        {
            for (int leaf = 0; leaf < block.Leaves; leaf++)
            {
                PanelKernels256.Rows2Panels1<T>(
                    x + block.FirstInput(leaf),
                    block.X.Stride,
                    matrix.Panel(panel) + (block.FirstInput(leaf) / 2 * T.PairBytes),
                    matrix.PanelBytes,
                    block.Pairs(leaf),
                    block.ResultOf(leaf));
            }

            block.AddLeaves(2);
            block.Store(row, 2, panel, 1);
        }

        return 2;
    }

    private static int Rows1<T>(in PanelBlock block, int row)
        where T : struct, IPanelWeights
    {
        float* x = block.X.Row(row);
        CpuMatrix matrix = block.Matrix;
        int panel = block.FirstPanel;
        for (; panel + 4 <= block.EndPanel; panel += 4)
        {
            for (int leaf = 0; leaf < block.Leaves; leaf++)
            {
                PanelKernels256.Rows1Panels4<T>(
                    x + block.FirstInput(leaf),
                    block.X.Stride,
                    matrix.Panel(panel) + (block.FirstInput(leaf) / 2 * T.PairBytes),
                    matrix.PanelBytes,
                    block.Pairs(leaf),
                    block.ResultOf(leaf));
            }

            block.AddLeaves(4);
            block.Store(row, 1, panel, 4);
        }

        for (; panel < block.EndPanel; panel++)
        {
            for (int leaf = 0; leaf < block.Leaves; leaf++)
            {
                PanelKernels256.Rows1Panels1<T>(
                    x + block.FirstInput(leaf),
                    block.X.Stride,
                    matrix.Panel(panel) + (block.FirstInput(leaf) / 2 * T.PairBytes),
                    matrix.PanelBytes,
                    block.Pairs(leaf),
                    block.ResultOf(leaf));
            }

            block.AddLeaves(1);
            block.Store(row, 1, panel, 1);
        }

        return 1;
    }
}
