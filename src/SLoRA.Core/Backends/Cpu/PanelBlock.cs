using System.Collections.Immutable;
using System.Runtime.Intrinsics;
using SLoRA.Backends.Cpu.MachineCode;
using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>Some panels of one matrix, the rows they multiply and where the results go.</summary>
internal readonly unsafe struct PanelBlock
{
    /// <summary>The largest block of a kernel, in floats: 24 vectors for each leaf of the sum.</summary>
    public const int ResultFloats = Split.LargestLeaves * LeafFloats;

    private const int LeafFloats = 24 * Lanes.Count;

    /// <summary>The most rows of a kernel.</summary>
    public const int LargestRows = 8;

    /// <summary>The matrix.</summary>
    public required CpuMatrix Matrix { get; init; }

    /// <summary>First panel.</summary>
    public required int FirstPanel { get; init; }

    /// <summary>End of the panels.</summary>
    public required int EndPanel { get; init; }

    /// <summary>The panels that the same thread most likely takes next, as far apart as these; null if nobody knows.</summary>
    public byte* Next { get; init; }

    /// <summary>Inputs.</summary>
    public required RowSpan X { get; init; }

    /// <summary>The inputs as integers in the groups of the matrix, for int8 weights.</summary>
    public QuantizedSpan Quantized { get; init; }

    /// <summary>Where packed weights are unpacked, or widened, to.</summary>
    public UnpackSpace Space { get; init; }

    /// <summary>
    /// The panels from <see cref="FirstPanel"/> on as they have been unpacked, which take the place of the matrix's; null for those.
    /// </summary>
    public byte* Unpacked { get; init; }

    /// <summary>What each group adds besides, for the same panels, <c>[panels][groups][16]</c>; null for nothing.</summary>
    public float* Offsets { get; init; }

    /// <summary>Bytes from one unpacked panel to the next.</summary>
    public nint UnpackedBytes { get; init; }

    /// <summary>
    /// Panels of the matrix that are to be unpacked next: kernels ask for them while they multiply by <see cref="Unpacked"/>, as memory is
    /// idle then. Null for none.
    /// </summary>
    public byte* Ahead { get; init; }

    /// <summary>Outputs.</summary>
    public required RowSpan Y { get; init; }

    /// <summary>Column of the outputs where output 0 of the matrix goes.</summary>
    public required int FirstColumn { get; init; }

    /// <summary>Added to the outputs, or null.</summary>
    public required float* Bias { get; init; }

    /// <summary>Rows.</summary>
    public required int Rows { get; init; }

    /// <summary>Machine code for the product with int8 weights; null for the kernels in C#.</summary>
    public WordProducts? Code { get; init; }

    /// <summary>Scratch for one block of a kernel: <see cref="ResultFloats"/>.</summary>
    public required float* Result { get; init; }

    /// <summary>
    /// Where the leaves of the sum begin, and behind them the end of the inputs: whole pairs of inputs, whole groups of int8 weights.
    /// </summary>
    public required ImmutableArray<int> Borders { get; init; }

    /// <summary>Runs of inputs that are summed apart, a power of two.</summary>
    public int Leaves => Borders.Length - 1;

    /// <summary>From one panel to the next.</summary>
    public nint PanelBytes => Unpacked is null ? Matrix.PanelBytes : UnpackedBytes;

    /// <summary>The first byte of a panel.</summary>
    public byte* Panel(int panel) => Unpacked is null ? Matrix.Panel(panel) : Unpacked + ((panel - FirstPanel) * UnpackedBytes);

    /// <summary>The first input of a leaf.</summary>
    public int FirstInput(int leaf) => Borders[leaf];

    /// <summary>Pairs of inputs of a leaf.</summary>
    public int Pairs(int leaf) => (Borders[leaf + 1] - Borders[leaf] + 1) / 2;

    /// <summary>Groups of inputs of a leaf, for int8 weights.</summary>
    public int Groups(int leaf)
    {
        int inputs = Matrix.Packing.GroupInputs;
        return (Borders[leaf + 1] - Borders[leaf] + inputs - 1) / inputs;
    }

    /// <summary>How many panels are unpacked at a time, so that all times are about alike: a multiple of what kernels take.</summary>
    /// <param name="panels">All of them.</param>
    /// <param name="room">How many have room.</param>
    /// <param name="atOnce">How many kernels take.</param>
    public static int Run(int panels, int room, int atOnce)
    {
        if (room < atOnce)
        {
            return Math.Max(1, room);
        }

        int runs = (panels + room - 1) / room;
        return Math.Min(((((panels + runs - 1) / runs) + atOnce - 1) / atOnce) * atOnce, room / atOnce * atOnce);
    }

    /// <summary>What the groups of a panel add, from a group on.</summary>
    public float* OffsetsOf(int panel, int group) =>
        Offsets + ((((nint)(panel - FirstPanel) * Matrix.Groups) + group) * CpuMatrix.PanelOutputs);

    /// <summary>Where a kernel writes the sums of a leaf.</summary>
    public float* ResultOf(int leaf) => Result + (leaf * LeafFloats);

    /// <summary>Adds the leaves of so many vectors as a balanced tree; the sums are then those of leaf 0.</summary>
    public void AddLeaves(int vectors)
    {
        for (int step = 1; step < Leaves; step *= 2)
        {
            for (int leaf = 0; leaf < Leaves; leaf += 2 * step)
            {
                float* left = ResultOf(leaf);
                float* right = ResultOf(leaf + step);
                for (int i = 0; i < vectors * Lanes.Count; i += Lanes.Count)
                {
                    (Vector512.Load(left + i) + Vector512.Load(right + i)).Store(left + i);
                }
            }
        }
    }

    /// <summary>
    /// How far behind its weights a block of rows asks for more. One that is alone asks for the panels of the next unit, so that memory
    /// works while it computes. Of several the first reads its panels from memory; the last ones find them in the cache and ask.
    /// </summary>
    public nint Fetch(int row) =>
        Unpacked is null && Next is not null && (row == 0 ? Rows <= LargestRows : row + (2 * LargestRows) > Rows)
            ? (nint)(Next - Panel(FirstPanel))
            : 0;

    /// <summary>
    /// What the kernel for some rows and panels asks for of <see cref="Ahead"/>, and how far it goes on with each of its steps: as many
    /// panels as it multiplies by. The last rows ask, which leaves least time for others to take it out of the cache.
    /// </summary>
    /// <param name="lastRow">Behind its rows.</param>
    /// <param name="panel">Its first panel.</param>
    /// <param name="panels">Its panels.</param>
    /// <param name="group">Its first group of inputs.</param>
    /// <param name="steps">Its steps for a group.</param>
    public (nint From, nint Step) AheadOf(int lastRow, int panel, int panels, int group, int steps)
    {
        if (Ahead is null || lastRow < Rows)
        {
            return ((nint)Panel(panel), 0);
        }

        nint all = (nint)Matrix.Groups * steps;
        nint step = ((nint)(panels * Matrix.PanelBytes) + all - 1) / all;
        return ((nint)Ahead + ((panel - FirstPanel) * (nint)Matrix.PanelBytes) + (group * steps * step), step);
    }

    /// <summary>
    /// Writes a kernel's results <c>[rows, panels, 16]</c> to the outputs, plus the bias; rows behind the last are dropped.
    /// </summary>
    public void Store(int row, int rows, int panel, int panels)
    {
        rows = Math.Min(rows, Rows - row);
        for (int p = 0; p < panels; p++)
        {
            int output = (panel + p) * CpuMatrix.PanelOutputs;
            int left = Matrix.Outputs - output;
            float* column = Y.Row(row) + FirstColumn + output;
            for (int r = 0; r < rows; r++, column += Y.Stride)
            {
                Vector512<float> result = Vector512.Load(Result + (((r * panels) + p) * Lanes.Count));
                if (Bias is not null)
                {
                    result += Vector512.Load(Bias + output);
                }

                // Columns behind the matrix belong to the next part of the group.
                if (left >= Lanes.Count)
                {
                    result.Store(column);
                }
                else
                {
                    Lanes.StoreFirst(result, column, left);
                }
            }
        }
    }
}
