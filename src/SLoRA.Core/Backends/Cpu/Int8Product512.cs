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
        QuantizedRows x = block.Quantized!;
        CpuMatrix matrix = block.Matrix;
        int panel = block.FirstPanel;
        for (; panel + 4 <= block.EndPanel; panel += 4)
        {
            for (int leaf = 0; leaf < block.Leaves; leaf++)
            {
                Int8Kernels512.Rows1Panels4<T>(
                    x.Row(row) + (block.FirstInput(leaf) / 2),
                    x.Stride,
                    x.Scales(row) + (block.FirstInput(leaf) / Int8Layout<T>.GroupInputs),
                    x.ScaleStride,
                    matrix.Panel(panel) + (block.FirstInput(leaf) / Int8Layout<T>.GroupInputs * Int8Layout<T>.GroupBytes),
                    matrix.PanelBytes,
                    block.Groups(leaf),
                    block.ResultOf(leaf));
            }

            block.AddLeaves(4);
            block.Store(row, 1, panel, 4);
        }

        for (; panel < block.EndPanel; panel++)
        {
            for (int leaf = 0; leaf < block.Leaves; leaf++)
            {
                Int8Kernels512.Rows1Panels1<T>(
                    x.Row(row) + (block.FirstInput(leaf) / 2),
                    x.Stride,
                    x.Scales(row) + (block.FirstInput(leaf) / Int8Layout<T>.GroupInputs),
                    x.ScaleStride,
                    matrix.Panel(panel) + (block.FirstInput(leaf) / Int8Layout<T>.GroupInputs * Int8Layout<T>.GroupBytes),
                    matrix.PanelBytes,
                    block.Groups(leaf),
                    block.ResultOf(leaf));
            }

            block.AddLeaves(1);
            block.Store(row, 1, panel, 1);
        }

        return 1;
    }

    private static int Rows8<T>(in PanelBlock block, int row)
        where T : struct, IInt8Groups
    {
        QuantizedRows x = block.Quantized!;
        CpuMatrix matrix = block.Matrix;
        int panel = block.FirstPanel;
        for (; panel + 3 <= block.EndPanel; panel += 3)
        {
            for (int leaf = 0; leaf < block.Leaves; leaf++)
            {
                Int8Kernels512.Rows8Panels3<T>(
                    x.Row(row) + (block.FirstInput(leaf) / 2),
                    x.Stride,
                    x.Scales(row) + (block.FirstInput(leaf) / Int8Layout<T>.GroupInputs),
                    x.ScaleStride,
                    matrix.Panel(panel) + (block.FirstInput(leaf) / Int8Layout<T>.GroupInputs * Int8Layout<T>.GroupBytes),
                    matrix.PanelBytes,
                    block.Groups(leaf),
                    block.ResultOf(leaf));
            }

            block.AddLeaves(24);
            block.Store(row, 8, panel, 3);
        }

        for (; panel < block.EndPanel; panel++)
        {
            for (int leaf = 0; leaf < block.Leaves; leaf++)
            {
                Int8Kernels512.Rows8Panels1<T>(
                    x.Row(row) + (block.FirstInput(leaf) / 2),
                    x.Stride,
                    x.Scales(row) + (block.FirstInput(leaf) / Int8Layout<T>.GroupInputs),
                    x.ScaleStride,
                    matrix.Panel(panel) + (block.FirstInput(leaf) / Int8Layout<T>.GroupInputs * Int8Layout<T>.GroupBytes),
                    matrix.PanelBytes,
                    block.Groups(leaf),
                    block.ResultOf(leaf));
            }

            block.AddLeaves(8);
            block.Store(row, 8, panel, 1);
        }

        return 8;
    }

    private static int Rows4<T>(in PanelBlock block, int row)
        where T : struct, IInt8Groups
    {
        QuantizedRows x = block.Quantized!;
        CpuMatrix matrix = block.Matrix;
        int panel = block.FirstPanel;
        for (; panel + 4 <= block.EndPanel; panel += 4)
        {
            for (int leaf = 0; leaf < block.Leaves; leaf++)
            {
                Int8Kernels512.Rows4Panels4<T>(
                    x.Row(row) + (block.FirstInput(leaf) / 2),
                    x.Stride,
                    x.Scales(row) + (block.FirstInput(leaf) / Int8Layout<T>.GroupInputs),
                    x.ScaleStride,
                    matrix.Panel(panel) + (block.FirstInput(leaf) / Int8Layout<T>.GroupInputs * Int8Layout<T>.GroupBytes),
                    matrix.PanelBytes,
                    block.Groups(leaf),
                    block.ResultOf(leaf));
            }

            block.AddLeaves(16);
            block.Store(row, 4, panel, 4);
        }

        for (; panel < block.EndPanel; panel++)
        {
            for (int leaf = 0; leaf < block.Leaves; leaf++)
            {
                Int8Kernels512.Rows4Panels1<T>(
                    x.Row(row) + (block.FirstInput(leaf) / 2),
                    x.Stride,
                    x.Scales(row) + (block.FirstInput(leaf) / Int8Layout<T>.GroupInputs),
                    x.ScaleStride,
                    matrix.Panel(panel) + (block.FirstInput(leaf) / Int8Layout<T>.GroupInputs * Int8Layout<T>.GroupBytes),
                    matrix.PanelBytes,
                    block.Groups(leaf),
                    block.ResultOf(leaf));
            }

            block.AddLeaves(4);
            block.Store(row, 4, panel, 1);
        }

        return 4;
    }
}
