using System.Runtime.Intrinsics.X86;

namespace SLoRA.Backends.Cpu;

/// <summary>Which kernel of 128 bits takes which rows and panels of a <see cref="PanelBlock"/>.</summary>
internal static unsafe class PanelProduct128
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
                _ => Rows4<T>(block, row),
            };
        }
    }

    private static int Rows4<T>(in PanelBlock block, int row)
        where T : struct, IPanelWeights
    {
        float* x = block.X.Row(row);
        CpuMatrix matrix = block.Matrix;
        int panel = block.FirstPanel;
        for (; panel < block.EndPanel; panel++)
        {
            if (X86Base.IsSupported)
            {
                // 16 registers; Arm64 has 32.
                for (int leaf = 0; leaf < block.Leaves; leaf++)
                {
                    PanelKernels128.Rows4HalfPanel<T>(
                        x + block.FirstInput(leaf),
                        block.X.Stride,
                        matrix.Panel(panel) + (block.FirstInput(leaf) / 2 * T.PairBytes),
                        0,
                        block.Pairs(leaf),
                        block.ResultOf(leaf));
                }

                for (int leaf = 0; leaf < block.Leaves; leaf++)
                {
                    PanelKernels128.Rows4HalfPanel<T>(
                        x + block.FirstInput(leaf),
                        block.X.Stride,
                        matrix.Panel(panel) + (block.FirstInput(leaf) / 2 * T.PairBytes),
                        2,
                        block.Pairs(leaf),
                        block.ResultOf(leaf));
                }
            }
            else
            {
                for (int leaf = 0; leaf < block.Leaves; leaf++)
                {
                    PanelKernels128.Rows4Panels1<T>(
                        x + block.FirstInput(leaf),
                        block.X.Stride,
                        matrix.Panel(panel) + (block.FirstInput(leaf) / 2 * T.PairBytes),
                        matrix.PanelBytes,
                        block.Pairs(leaf),
                        block.ResultOf(leaf));
                }
            }

            block.AddLeaves(4);
            block.Store(row, 4, panel, 1);
        }

        return 4;
    }

    private static int Rows1<T>(in PanelBlock block, int row)
        where T : struct, IPanelWeights
    {
        float* x = block.X.Row(row);
        CpuMatrix matrix = block.Matrix;
        int panel = block.FirstPanel;
        for (; panel < block.EndPanel; panel++)
        {
            for (int leaf = 0; leaf < block.Leaves; leaf++)
            {
                PanelKernels128.Rows1Panels1<T>(
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
