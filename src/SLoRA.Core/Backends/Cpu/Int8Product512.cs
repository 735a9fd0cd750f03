namespace SLoRA.Backends.Cpu;

/// <summary>Which int8 kernel of 512 bits takes which rows and panels of a <see cref="PanelBlock"/>.</summary>
internal static unsafe class Int8Product512
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
                _ => Rows8<T>(block, row),
            };
        }
    }

    /// <summary>Multiplies one row by all panels of a block.</summary>
    /// <returns>1.</returns>
    public static int Rows1<T>(in PanelBlock block, int row)
        where T : struct, IInt8Groups
    {
        int panel = Int8Strip.Run<T>(block, row, 1, block.FirstPanel, 4, &Int8Kernels512.Rows1Panels4<T>);
        Int8Strip.Run<T>(block, row, 1, panel, 1, &Int8Kernels512.Rows1Panels1<T>);
        return 1;
    }

    private static int Rows8<T>(in PanelBlock block, int row)
        where T : struct, IInt8Groups
    {
        int panel = Int8Strip.Run<T>(block, row, 8, block.FirstPanel, 3, &Int8Kernels512.Rows8Panels3<T>);
        Int8Strip.Run<T>(block, row, 8, panel, 1, &Int8Kernels512.Rows8Panels1<T>);
        return 8;
    }

    private static int Rows4<T>(in PanelBlock block, int row)
        where T : struct, IInt8Groups
    {
        int panel = Int8Strip.Run<T>(block, row, 4, block.FirstPanel, 4, &Int8Kernels512.Rows4Panels4<T>);
        Int8Strip.Run<T>(block, row, 4, panel, 1, &Int8Kernels512.Rows4Panels1<T>);
        return 4;
    }
}
