namespace SLoRA.Backends.Cpu;

/// <summary>Which int8 kernel of 128 bits takes which rows and panels of a <see cref="PanelBlock"/>.</summary>
internal static unsafe class Int8Product128
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
                _ => Rows4<T>(block, row),
            };
        }
    }

    private static int Rows4<T>(in PanelBlock block, int row)
        where T : struct, IInt8Groups
    {
        Int8Strip.Run<T>(block, row, 4, block.FirstPanel, 1, &Int8Kernels128.Rows4Panels1<T>);
        return 4;
    }

    private static int Rows1<T>(in PanelBlock block, int row)
        where T : struct, IInt8Groups
    {
        Int8Strip.Run<T>(block, row, 1, block.FirstPanel, 1, &Int8Kernels128.Rows1Panels1<T>);
        return 1;
    }
}
