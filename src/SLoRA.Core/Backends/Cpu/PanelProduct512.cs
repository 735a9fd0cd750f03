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
                5 or 6 => Rows6<T>(block, row),
                _ => Rows8<T>(block, row),
            };
        }
    }

    private static int Rows8<T>(in PanelBlock block, int row)
        where T : struct, IPanelWeights
    {
        int panel = PanelStrip.Run<T>(block, row, 8, block.FirstPanel, 3, &PanelKernels512.Rows8Panels3<T>);
        PanelStrip.Run<T>(block, row, 8, panel, 1, &PanelKernels512.Rows8Panels1<T>);
        return 8;
    }

    private static int Rows6<T>(in PanelBlock block, int row)
        where T : struct, IPanelWeights
    {
        int panel = PanelStrip.Run<T>(block, row, 6, block.FirstPanel, 3, &PanelKernels512.Rows6Panels3<T>);
        PanelStrip.Run<T>(block, row, 6, panel, 1, &PanelKernels512.Rows6Panels1<T>);
        return 6;
    }

    private static int Rows4<T>(in PanelBlock block, int row)
        where T : struct, IPanelWeights
    {
        int panel = PanelStrip.Run<T>(block, row, 4, block.FirstPanel, 4, &PanelKernels512.Rows4Panels4<T>);
        PanelStrip.Run<T>(block, row, 4, panel, 1, &PanelKernels512.Rows4Panels1<T>);
        return 4;
    }

    private static int Rows2<T>(in PanelBlock block, int row)
        where T : struct, IPanelWeights
    {
        int panel = PanelStrip.Run<T>(block, row, 2, block.FirstPanel, 4, &PanelKernels512.Rows2Panels4<T>);
        PanelStrip.Run<T>(block, row, 2, panel, 1, &PanelKernels512.Rows2Panels1<T>);
        return 2;
    }

    private static int Rows1<T>(in PanelBlock block, int row)
        where T : struct, IPanelWeights
    {
        int panel = PanelStrip.Run<T>(block, row, 1, block.FirstPanel, 4, &PanelKernels512.Rows1Panels4<T>);
        PanelStrip.Run<T>(block, row, 1, panel, 1, &PanelKernels512.Rows1Panels1<T>);
        return 1;
    }
}
