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
        QuantizedRows x = block.Quantized!;
        CpuMatrix matrix = block.Matrix;
        int panel = block.FirstPanel;
        for (; panel < block.EndPanel; panel++)
        {
            for (int leaf = 0; leaf < block.Leaves; leaf++)
            {
                Int8Kernels256.Rows6Panels1<T>(
                    x.Row(row) + (block.FirstInput(leaf) / 2),
                    x.Stride,
                    x.Scales(row) + (block.FirstInput(leaf) / Int8Layout<T>.GroupInputs),
                    x.ScaleStride,
                    matrix.Panel(panel) + (block.FirstInput(leaf) / Int8Layout<T>.GroupInputs * Int8Layout<T>.GroupBytes),
                    matrix.PanelBytes,
                    block.Groups(leaf),
                    block.ResultOf(leaf));
            }

            block.AddLeaves(6);
            block.Store(row, 6, panel, 1);
        }

        return 6;
    }

    private static int Rows4<T>(in PanelBlock block, int row)
        where T : struct, IInt8Groups
    {
        QuantizedRows x = block.Quantized!;
        CpuMatrix matrix = block.Matrix;
        int panel = block.FirstPanel;
        for (; panel < block.EndPanel; panel++)
        {
            for (int leaf = 0; leaf < block.Leaves; leaf++)
            {
                Int8Kernels256.Rows4Panels1<T>(
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

    private static int Rows1<T>(in PanelBlock block, int row)
        where T : struct, IInt8Groups
    {
        QuantizedRows x = block.Quantized!;
        CpuMatrix matrix = block.Matrix;
        int panel = block.FirstPanel;
        for (; panel + 2 <= block.EndPanel; panel += 2)
        {
            for (int leaf = 0; leaf < block.Leaves; leaf++)
            {
                Int8Kernels256.Rows1Panels2<T>(
                    x.Row(row) + (block.FirstInput(leaf) / 2),
                    x.Stride,
                    x.Scales(row) + (block.FirstInput(leaf) / Int8Layout<T>.GroupInputs),
                    x.ScaleStride,
                    matrix.Panel(panel) + (block.FirstInput(leaf) / Int8Layout<T>.GroupInputs * Int8Layout<T>.GroupBytes),
                    matrix.PanelBytes,
                    block.Groups(leaf),
                    block.ResultOf(leaf));
            }

            block.AddLeaves(2);
            block.Store(row, 1, panel, 2);
        }

        for (; panel < block.EndPanel; panel++)
        {
            for (int leaf = 0; leaf < block.Leaves; leaf++)
            {
                Int8Kernels256.Rows1Panels1<T>(
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
}
