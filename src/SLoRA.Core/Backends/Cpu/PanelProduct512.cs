namespace SLoRA.Backends.Cpu;

/// <summary>Which kernel of 512 bits takes which rows and panels of a <see cref="PanelBlock"/>.</summary>
internal static unsafe class PanelProduct512
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
                _ => Rows8<T>(block, row),
            };
        }
    }

    private static int Rows8<T>(in PanelBlock block, int row)
        where T : struct, IPanelWeights
    {
        float* x = block.X.Row(row);
        CpuMatrix matrix = block.Matrix;
        int panel = block.FirstPanel;
        for (; panel + 3 <= block.EndPanel; panel += 3)
        {
            for (int leaf = 0; leaf < block.Leaves; leaf++)
            {
                PanelKernels512.Rows8Panels3<T>(
                    x + block.FirstInput(leaf),
                    block.X.Stride,
                    matrix.Panel(panel) + (block.FirstInput(leaf) / 2 * T.PairBytes),
                    matrix.PanelBytes,
                    block.Pairs(leaf),
                    block.Fetch(row),
                    block.ResultOf(leaf));
            }

            block.AddLeaves(24);
            block.Store(row, 8, panel, 3);
        }

        for (; panel < block.EndPanel; panel++)
        {
            for (int leaf = 0; leaf < block.Leaves; leaf++)
            {
                PanelKernels512.Rows8Panels1<T>(
                    x + block.FirstInput(leaf),
                    block.X.Stride,
                    matrix.Panel(panel) + (block.FirstInput(leaf) / 2 * T.PairBytes),
                    matrix.PanelBytes,
                    block.Pairs(leaf),
                    block.ResultOf(leaf));
            }

            block.AddLeaves(8);
            block.Store(row, 8, panel, 1);
        }

        return 8;
    }

    private static int Rows4<T>(in PanelBlock block, int row)
        where T : struct, IPanelWeights
    {
        float* x = block.X.Row(row);
        CpuMatrix matrix = block.Matrix;
        int panel = block.FirstPanel;
        for (; panel + 4 <= block.EndPanel; panel += 4)
        {
            for (int leaf = 0; leaf < block.Leaves; leaf++)
            {
                PanelKernels512.Rows4Panels4<T>(
                    x + block.FirstInput(leaf),
                    block.X.Stride,
                    matrix.Panel(panel) + (block.FirstInput(leaf) / 2 * T.PairBytes),
                    matrix.PanelBytes,
                    block.Pairs(leaf),
                    block.ResultOf(leaf));
            }

            block.AddLeaves(16);
            block.Store(row, 4, panel, 4);
        }

        for (; panel < block.EndPanel; panel++)
        {
            for (int leaf = 0; leaf < block.Leaves; leaf++)
            {
                PanelKernels512.Rows4Panels1<T>(
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
        for (; panel + 4 <= block.EndPanel; panel += 4)
        {
            for (int leaf = 0; leaf < block.Leaves; leaf++)
            {
                PanelKernels512.Rows2Panels4<T>(
                    x + block.FirstInput(leaf),
                    block.X.Stride,
                    matrix.Panel(panel) + (block.FirstInput(leaf) / 2 * T.PairBytes),
                    matrix.PanelBytes,
                    block.Pairs(leaf),
                    block.ResultOf(leaf));
            }

            block.AddLeaves(8);
            block.Store(row, 2, panel, 4);
        }

        for (; panel < block.EndPanel; panel++)
        {
            for (int leaf = 0; leaf < block.Leaves; leaf++)
            {
                PanelKernels512.Rows2Panels1<T>(
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
                PanelKernels512.Rows1Panels4<T>(
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
                PanelKernels512.Rows1Panels1<T>(
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
