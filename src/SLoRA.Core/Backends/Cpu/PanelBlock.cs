using System.Runtime.Intrinsics;
using SLoRA.Backends.Cpu.MachineCode;

namespace SLoRA.Backends.Cpu;

/// <summary>Some panels of one matrix, the rows they multiply and where the results go.</summary>
internal readonly unsafe struct PanelBlock
{
    /// <summary>The largest block of a kernel, in floats: 24 vectors.</summary>
    public const int ResultFloats = 24 * Lanes.Count;

    /// <summary>The most rows of a kernel.</summary>
    private const int LargestRows = 8;

    /// <summary>The matrix.</summary>
    public required CpuMatrix Matrix { get; init; }

    /// <summary>First panel.</summary>
    public required int FirstPanel { get; init; }

    /// <summary>End of the panels.</summary>
    public required int EndPanel { get; init; }

    /// <summary>Inputs.</summary>
    public required CpuRows X { get; init; }

    /// <summary>The inputs as integers in the groups of the matrix, for int8 weights.</summary>
    public QuantizedRows? Quantized { get; init; }

    /// <summary>Outputs.</summary>
    public required CpuRows Y { get; init; }

    /// <summary>Column of the outputs where output 0 of the matrix goes.</summary>
    public required int FirstColumn { get; init; }

    /// <summary>Added to the outputs, or null.</summary>
    public required CpuVector? Bias { get; init; }

    /// <summary>Rows.</summary>
    public required int Rows { get; init; }

    /// <summary>Machine code for the product with int8 weights; null for the kernels in C#.</summary>
    public WordProducts? Code { get; init; }

    /// <summary>Scratch for one block of a kernel: <see cref="ResultFloats"/>.</summary>
    public required float* Result { get; init; }

    /// <summary>
    /// How far behind its weights a block of rows asks for more. The first block reads its panels from memory; the last ones find them in
    /// the cache and leave memory idle, so they ask for the panels of the next unit.
    /// </summary>
    public nint Fetch(int row) => row > 0 && row + (2 * LargestRows) > Rows ? (EndPanel - FirstPanel) * Matrix.PanelBytes : 0;

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
                    result += Vector512.Load(Bias.Data + output);
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
