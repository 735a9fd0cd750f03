namespace SLoRA.Backends.Cpu;

/// <summary>Which int8 kernel of 256 bits takes which rows and panels of a <see cref="PanelBlock"/>.</summary>
internal static unsafe class Int8Product256
{
    /// <summary>Multiplies all rows by all panels of a block.</summary>
    public static void Multiply<T>(in PanelBlock block)
        where T : struct, IInt8Groups
    {
        for (int row = 0; row < block.Rows;)
        {
            row += (block.Rows - row) switch
            {
                1 => Rows1<T>(block, row),
                2 or 3 or 4 => Rows4<T>(block, row),
                _ => Rows6<T>(block, row),
            };
        }
    }

    private static int Rows6<T>(in PanelBlock block, int row)
        where T : struct, IInt8Groups
    {
        Int8Strip.Run<T>(block, row, 6, block.FirstPanel, 1, &Int8Kernels256.Rows6Panels1<T>);
        return 6;
    }

    private static int Rows4<T>(in PanelBlock block, int row)
        where T : struct, IInt8Groups
    {
        Int8Strip.Run<T>(block, row, 4, block.FirstPanel, 1, &Int8Kernels256.Rows4Panels1<T>);
        return 4;
    }

    private static int Rows1<T>(in PanelBlock block, int row)
        where T : struct, IInt8Groups
    {
        int panel = Int8Strip.Run<T>(block, row, 1, block.FirstPanel, 2, &Int8Kernels256.Rows1Panels2<T>);
        Int8Strip.Run<T>(block, row, 1, panel, 1, &Int8Kernels256.Rows1Panels1<T>);
        return 1;
    }
}
