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
        WordProductArguments arguments = Arguments<T>(block, row);
        int panel = block.FirstPanel;
        for (; panel + 3 <= block.EndPanel; panel += 3)
        {
            arguments.Weights = block.Matrix.Panel(panel);
            code.Rows8Panels3(arguments);
            block.Store(row, 8, panel, 3);
        }

        for (; panel < block.EndPanel; panel++)
        {
            arguments.Weights = block.Matrix.Panel(panel);
            code.Rows8Panels1(arguments);
            block.Store(row, 8, panel, 1);
        }

        return 8;
    }

    private static int Rows4<T>(in PanelBlock block, int row, WordProducts code)
        where T : struct, IInt8Groups
    {
        WordProductArguments arguments = Arguments<T>(block, row);
        int panel = block.FirstPanel;
        for (; panel + 4 <= block.EndPanel; panel += 4)
        {
            arguments.Weights = block.Matrix.Panel(panel);
            code.Rows4Panels4(arguments);
            block.Store(row, 4, panel, 4);
        }

        for (; panel < block.EndPanel; panel++)
        {
            arguments.Weights = block.Matrix.Panel(panel);
            code.Rows4Panels1(arguments);
            block.Store(row, 4, panel, 1);
        }

        return 4;
    }

    private static WordProductArguments Arguments<T>(in PanelBlock block, int row)
        where T : struct, IInt8Groups
    {
        QuantizedRows x = block.Quantized!;
        return new WordProductArguments
        {
            X = x.Row(row),
            Stride = x.Stride * sizeof(int),
            Scales = x.Scales(row),
            ScaleStride = x.ScaleStride * sizeof(float),
            PanelBytes = block.Matrix.PanelBytes,
            Groups = block.Matrix.Groups,
            Pairs = T.Pairs,
            Result = block.Result,
        };
    }
}
