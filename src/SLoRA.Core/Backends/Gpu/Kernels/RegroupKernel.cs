using ILGPU;
using SLoRA.Step;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>A <see cref="ColumnRun"/> in numbers, with the columns of a row of x and y.</summary>
internal readonly struct RegroupShape(ColumnRun run, int xWidth, int yWidth)
{
    public readonly int XWidth = xWidth;
    public readonly int YWidth = yWidth;
    public readonly int From = run.From;
    public readonly int FromStride = run.FromStride;
    public readonly int To = run.To;
    public readonly int ToStride = run.ToStride;
    public readonly int Columns = run.Columns;
    public readonly int All = run.Columns * run.Blocks;
}

/// <summary>
/// Columns of x [T, xWidth] to other places of y [T, yWidth], blocks at equal distances. A group per row (x) and 128 columns (y).
/// </summary>
internal static class RegroupKernel
{
    [Kernel]
    public static void Run(ArrayView<float> x, ArrayView<float> y, RegroupShape shape)
    {
        int row = Grid.IdxX;
        int column = (Grid.IdxY * KernelLoader.GroupSize) + Group.IdxX;
        if (column < shape.All)
        {
            int block = column / shape.Columns;
            int within = column - (block * shape.Columns);
            y[((long)row * shape.YWidth) + shape.To + (block * shape.ToStride) + within] =
                x[((long)row * shape.XWidth) + shape.From + (block * shape.FromStride) + within];
        }
    }
}
