using ILGPU;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>Which columns of each row are normed, and how.</summary>
/// <param name="width">Columns of a row of x and y.</param>
/// <param name="firstColumn">Where the first head begins; 0 for whole rows.</param>
/// <param name="columns">Columns of a head, d; all columns for whole rows.</param>
/// <param name="epsilon">Added to the mean of squares.</param>
internal readonly struct NormShape(int width, int firstColumn, int columns, float epsilon)
{
    public readonly int Width = width;
    public readonly int FirstColumn = firstColumn;
    public readonly int Columns = columns;
    public readonly float Epsilon = epsilon;
}

/// <summary>
/// RMS norm, <c>y = w ∘ x / √(mean(x²) + ε)</c>: x, y [T, width], w [d], over every head of d columns from the first column on. A group per
/// row (x) and head (y); a thread sums every 128th square, a tree sums the threads. y may be x.
/// </summary>
internal static class NormKernel
{
    [Kernel]
    public static void Run(ArrayView<float> x, ArrayView<float> weight, ArrayView<float> y, NormShape shape)
    {
        ArrayView<float> shared = SharedMemory.Allocate<float>(KernelLoader.GroupSize);
        long begin = ((long)Grid.IdxX * shape.Width) + shape.FirstColumn + (Grid.IdxY * shape.Columns);
        float squares = 0;
        for (int i = Group.IdxX; i < shape.Columns; i += KernelLoader.GroupSize)
        {
            float value = x[begin + i];
            squares += value * value;
        }

        float scale = 1 / MathF.Sqrt((RowReduction.Sum(shared, squares) / shape.Columns) + shape.Epsilon);
        for (int i = Group.IdxX; i < shape.Columns; i += KernelLoader.GroupSize)
        {
            y[begin + i] = x[begin + i] * scale * weight[i];
        }
    }

    /// <summary>The same over <c>x += r</c>, rows as a whole: x, r, y [T, width]. A group per row (x).</summary>
    [Kernel]
    public static void AddAndRun(
        ArrayView<float> x, ArrayView<float> residual, ArrayView<float> weight, ArrayView<float> y, NormShape shape)
    {
        ArrayView<float> shared = SharedMemory.Allocate<float>(KernelLoader.GroupSize);
        long begin = (long)Grid.IdxX * shape.Width;
        float squares = 0;
        for (int i = Group.IdxX; i < shape.Width; i += KernelLoader.GroupSize)
        {
            float value = x[begin + i] + residual[begin + i];
            x[begin + i] = value;
            squares += value * value;
        }

        float scale = 1 / MathF.Sqrt((RowReduction.Sum(shared, squares) / shape.Width) + shape.Epsilon);
        for (int i = Group.IdxX; i < shape.Width; i += KernelLoader.GroupSize)
        {
            y[begin + i] = x[begin + i] * scale * weight[i];
        }
    }
}
