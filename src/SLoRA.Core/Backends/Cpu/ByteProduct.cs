using SLoRA.Backends.Cpu.MachineCode;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// The product of bytes: weights as unsigned bytes, each its integer plus a zero, and activations of 8 bits, four inputs at a time. Panels
/// are brought into that form a few at a time, once for all rows, and stay in the cache. With
/// <c>Σ (w + zero) · x − zero · Σ x</c> for the integer sum of a group the bits are those of the other kernels of integers.
/// </summary>
/// <typeparam name="T">The groups.</typeparam>
internal static unsafe class ByteProduct<T>
    where T : struct, IInt8Groups
{
    // Memory limits fewer rows, and they would not pay for the panels' other form.
    private const int FewRows = 4;
    private const int LargestRows = 8;
    private const int PanelsAtOnce = 3;

    /// <summary>Whether there are instructions for these rows; else they are multiplied as words.</summary>
    /// <remarks>Packed weights are unpacked either way: where bytes are added in 16 bits, they are cheaper for few rows too.</remarks>
    public static bool Takes<TPanel>(in PanelBlock block)
        where TPanel : struct, IBytePanel
        => block.Quantized.IsNarrow
            && (block.Code is not null || ByteDot.IsSupported
                ? block.Rows > FewRows
                : block.Rows > 1 && ByteDot.AddsTwo(TPanel.Largest));

    /// <summary>Multiplies all rows by all panels of a block.</summary>
    /// <typeparam name="TPanel">What makes bytes of the panels.</typeparam>
    /// <param name="block">The block, with room for a few panels.</param>
    /// <param name="code">Machine code; null for the kernels in C#.</param>
    public static void Multiply<TPanel>(in PanelBlock block, ByteProducts? code)
        where TPanel : struct, IBytePanel
    {
        int groups = block.Matrix.Groups;
        nint quadBytes = (nint)groups * Int8Layout<T>.GroupBytes;
        nint offsetBytes = TPanel.HasOffsets ? (nint)groups * Int8Layout.ScaleBytes : 0;
        nint rowBytes = (nint)LargestRows * groups * sizeof(RowGroup);
        int room = (int)Math.Min((block.Space.Bytes - rowBytes) / (quadBytes + offsetBytes), block.EndPanel - block.FirstPanel);
        int panels = PanelBlock.Run(block.EndPanel - block.FirstPanel, room, PanelsAtOnce);
        var rows = (RowGroup*)block.Space.Data;
        byte* quads = (byte*)rows + rowBytes;
        float* offsets = TPanel.HasOffsets ? (float*)(quads + (panels * quadBytes)) : null;
        for (int first = block.FirstPanel; first < block.EndPanel; first += panels)
        {
            int end = Math.Min(block.EndPanel, first + panels);
            for (int panel = first; panel < end; panel++)
            {
                nint index = panel - first;
                TPanel.Unpack(
                    block.Matrix.Panel(panel), groups, quads + (index * quadBytes), (float*)((byte*)offsets + (index * offsetBytes)));
            }

            PanelBlock unpacked = block with
            {
                FirstPanel = first,
                EndPanel = end,
                Unpacked = quads,
                UnpackedBytes = quadBytes,
                Offsets = offsets,
                Ahead = end < block.EndPanel ? block.Matrix.Panel(end) : block.Next,
            };
            if (code is not null)
            {
                Multiply512(unpacked, rows, TPanel.Zero, code);
            }
            else
            {
                Multiply256<TPanel>(unpacked, rows);
            }
        }
    }

    private static void Multiply512(in PanelBlock block, RowGroup* rows, int zero, ByteProducts code)
    {
        for (int row = 0; row < block.Rows; row += LargestRows)
        {
            Prepare(block, row, LargestRows, zero, rows);
            int panel = block.FirstPanel;
            for (; panel + PanelsAtOnce <= block.EndPanel; panel += PanelsAtOnce)
            {
                for (int leaf = 0; leaf < block.Leaves; leaf++)
                {
                    code.Rows8Panels3(Arguments(block, rows, row, LargestRows, panel, PanelsAtOnce, leaf, T.Pairs / 4));
                    PackedOffsets.Add<T>(block, leaf, row, LargestRows, panel, PanelsAtOnce);
                }

                block.AddLeaves(LargestRows * PanelsAtOnce);
                block.Store(row, LargestRows, panel, PanelsAtOnce);
            }

            for (; panel < block.EndPanel; panel++)
            {
                for (int leaf = 0; leaf < block.Leaves; leaf++)
                {
                    code.Rows8Panels1(Arguments(block, rows, row, LargestRows, panel, 1, leaf, T.Pairs / 4));
                    PackedOffsets.Add<T>(block, leaf, row, LargestRows, panel, 1);
                }

                block.AddLeaves(LargestRows);
                block.Store(row, LargestRows, panel, 1);
            }
        }
    }

    private static void Multiply256<TPanel>(in PanelBlock block, RowGroup* rows)
        where TPanel : struct, IBytePanel
    {
        bool addsGroups = ByteDot.AddsGroups<T>(TPanel.Largest), addsTwo = ByteDot.AddsTwo(TPanel.Largest) && !ByteDot.IsSupported;
        for (int row = 0; row < block.Rows;)
        {
            bool isWidening = addsTwo && (!addsGroups || block.Rows - row <= ByteKernels256.WideningRows);
            int count = isWidening ? ByteKernels256.WideningRows : ByteKernels256.Rows;
            Prepare(block, row, count, TPanel.Zero, rows);
            for (int panel = block.FirstPanel; panel < block.EndPanel; panel++)
            {
                for (int leaf = 0; leaf < block.Leaves; leaf++)
                {
                    if (isWidening)
                    {
                        ByteKernels256.Rows4Panels1<T>(
                            Arguments(block, rows, row, count, panel, 1, leaf, ByteKernels256.WideningSteps<T>()));
                    }
                    else
                    {
                        ByteKernels256.Rows6Panels1<T>(
                            Arguments(block, rows, row, count, panel, 1, leaf, ByteKernels256.Steps<T>()));
                    }

                    PackedOffsets.Add<T>(block, leaf, row, count, panel, 1);
                }

                block.AddLeaves(count);
                block.Store(row, count, panel, 1);
            }

            row += count;
        }
    }

    /// <summary>What rows have for every group.</summary>
    private static void Prepare(in PanelBlock block, int row, int rows, int zero, RowGroup* to)
    {
        QuantizedSpan x = block.Quantized;
        int groups = block.Matrix.Groups;
        for (int r = 0; r < rows; r++)
        {
            RowGroup.Write(x.Scales(row + r), x.Sums(row + r), groups, zero, to);
            to += groups;
        }
    }

    private static IntegerProductArguments Arguments(
        in PanelBlock block, RowGroup* rows, int row, int rowCount, int panel, int panels, int leaf, int steps)
    {
        QuantizedSpan x = block.Quantized;
        int input = block.FirstInput(leaf);
        int group = input / Int8Layout<T>.GroupInputs;
        (nint ahead, nint step) = block.AheadOf(row + rowCount, panel, panels, group, steps);
        return new IntegerProductArguments
        {
            X = x.Bytes(row) + (input / 4),
            Stride = x.ByteStride * sizeof(int),
            Scales = (float*)(rows + group),
            ScaleStride = (nint)block.Matrix.Groups * sizeof(RowGroup),
            Weights = block.Panel(panel) + ((nint)group * Int8Layout<T>.GroupBytes),
            PanelBytes = block.PanelBytes,
            Groups = block.Groups(leaf),
            Words = T.Pairs / 2,
            Result = block.ResultOf(leaf),
            Ahead = (byte*)ahead,
            AheadStep = step,
        };
    }
}
