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
        PanelStrip.Run<T>(block, row, 6, block.FirstPanel, 1, &PanelKernels256.Rows6Panels1<T>);
        return 6;
    }

    private static int Rows4<T>(in PanelBlock block, int row)
        where T : struct, IPanelWeights
    {
        PanelStrip.Run<T>(block, row, 4, block.FirstPanel, 1, &PanelKernels256.Rows4Panels1<T>);
        return 4;
    }

    private static int Rows2<T>(in PanelBlock block, int row)
        where T : struct, IPanelWeights
    {
        int panel = PanelStrip.Run<T>(block, row, 2, block.FirstPanel, 2, &PanelKernels256.Rows2Panels2<T>);
        PanelStrip.Run<T>(block, row, 2, panel, 1, &PanelKernels256.Rows2Panels1<T>);
        return 2;
    }

    private static int Rows1<T>(in PanelBlock block, int row)
        where T : struct, IPanelWeights
    {
        int panel = PanelStrip.Run<T>(block, row, 1, block.FirstPanel, 4, &PanelKernels256.Rows1Panels4<T>);
        PanelStrip.Run<T>(block, row, 1, panel, 1, &PanelKernels256.Rows1Panels1<T>);
        return 1;
    }
}
