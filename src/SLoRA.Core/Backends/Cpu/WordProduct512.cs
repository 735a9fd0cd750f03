using SLoRA.Backends.Cpu.MachineCode;

namespace SLoRA.Backends.Cpu;

/// <summary>Which machine code takes which rows and panels of a <see cref="PanelBlock"/> with int8 weights.</summary>
internal static unsafe class WordProduct512
{
    /// <summary>Multiplies all rows by all panels of a block.</summary>
    public static void Multiply<T>(in PanelBlock block, WordProducts code)
        where T : struct, IInt8Groups
    {
        for (int row = 0; row < block.Rows;)
        {
            // Memory limits a row alone, and C# keeps up with it.
            row += (block.Rows - row) switch
            {
                1 => Int8Product512.Rows1<T>(block, row),
                2 or 3 or 4 => Rows4<T>(block, row, code),
                _ => Rows8<T>(block, row, code),
            };
        }
    }

    private static int Rows8<T>(in PanelBlock block, int row, WordProducts code)
        where T : struct, IInt8Groups
    {
        int panel = block.FirstPanel;
        for (; panel + 3 <= block.EndPanel; panel += 3)
        {
            for (int leaf = 0; leaf < block.Leaves; leaf++)
            {
                code.Rows8Panels3(Arguments<T>(block, row, 8, panel, 3, leaf));
                PackedOffsets.Add<T>(block, leaf, row, 8, panel, 3);
            }

            block.AddLeaves(24);
            block.Store(row, 8, panel, 3);
        }

        for (; panel < block.EndPanel; panel++)
        {
            for (int leaf = 0; leaf < block.Leaves; leaf++)
            {
                code.Rows8Panels1(Arguments<T>(block, row, 8, panel, 1, leaf));
                PackedOffsets.Add<T>(block, leaf, row, 8, panel, 1);
            }

            block.AddLeaves(8);
            block.Store(row, 8, panel, 1);
        }

        return 8;
    }

    private static int Rows4<T>(in PanelBlock block, int row, WordProducts code)
        where T : struct, IInt8Groups
    {
        int panel = block.FirstPanel;
        for (; panel + 4 <= block.EndPanel; panel += 4)
        {
            for (int leaf = 0; leaf < block.Leaves; leaf++)
            {
                code.Rows4Panels4(Arguments<T>(block, row, 4, panel, 4, leaf));
                PackedOffsets.Add<T>(block, leaf, row, 4, panel, 4);
            }

            block.AddLeaves(16);
            block.Store(row, 4, panel, 4);
        }

        for (; panel < block.EndPanel; panel++)
        {
            for (int leaf = 0; leaf < block.Leaves; leaf++)
            {
                code.Rows4Panels1(Arguments<T>(block, row, 4, panel, 1, leaf));
                PackedOffsets.Add<T>(block, leaf, row, 4, panel, 1);
            }

            block.AddLeaves(4);
            block.Store(row, 4, panel, 1);
        }

        return 4;
    }

    private static IntegerProductArguments Arguments<T>(in PanelBlock block, int row, int rows, int panel, int panels, int leaf)
        where T : struct, IInt8Groups
    {
        QuantizedSpan x = block.Quantized;
        int input = block.FirstInput(leaf);
        int group = input / Int8Layout<T>.GroupInputs;
        (nint ahead, nint step) = block.AheadOf(row + rows, panel, panels, group, T.Pairs / 2);
        return new IntegerProductArguments
        {
            X = x.Row(row) + (input / 2),
            Stride = x.Stride * sizeof(int),
            Scales = x.Scales(row) + group,
            ScaleStride = x.ScaleStride * sizeof(float),
            Weights = block.Panel(panel) + ((nint)group * Int8Layout<T>.GroupBytes),
            PanelBytes = block.PanelBytes,
            Groups = block.Groups(leaf),
            Words = T.Pairs,
            Result = block.ResultOf(leaf),
            Ahead = (byte*)ahead,
            AheadStep = step,
        };
    }
}
