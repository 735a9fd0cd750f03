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
        // 16 registers; Arm64 has 32.
        if (X86Base.IsSupported)
        {
            HalfPanels<T>(block, row);
        }
        else
        {
            PanelStrip.Run<T>(block, row, 4, block.FirstPanel, 1, &PanelKernels128.Rows4Panels1<T>);
        }

        return 4;
    }

    private static void HalfPanels<T>(in PanelBlock block, int row)
        where T : struct, IPanelWeights
    {
        for (int panel = block.FirstPanel; panel < block.EndPanel; panel++)
        {
            for (int leaf = 0; leaf < block.Leaves; leaf++)
            {
                for (int quarter = 0; quarter < 4; quarter += 2)
                {
                    PanelKernels128.Rows4HalfPanel<T>(
                        PanelStrip.X(block, row, leaf), block.X.Stride, PanelStrip.W<T>(block, panel, leaf), quarter, block.Pairs(leaf),
                        block.ResultOf(leaf));
                }
            }

            block.AddLeaves(4);
            block.Store(row, 4, panel, 1);
        }
    }

    private static int Rows1<T>(in PanelBlock block, int row)
        where T : struct, IPanelWeights
    {
        PanelStrip.Run<T>(block, row, 1, block.FirstPanel, 1, &PanelKernels128.Rows1Panels1<T>);
        return 1;
    }
}
