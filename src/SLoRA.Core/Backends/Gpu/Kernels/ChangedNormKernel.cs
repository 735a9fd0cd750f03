using ILGPU;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>Where rows find the generations that have their own weight of a norm.</summary>
/// <param name="target">The index of the norm.</param>
/// <param name="mapped">1 if rows are output rows of the step, 0 if they are its rows.</param>
internal readonly struct NormOwners(int target, int mapped)
{
    public readonly int Target = target;
    public readonly int Mapped = mapped;
}

/// <summary>
/// <see cref="NormKernel"/> for steps in which generations have their own weight in the place of w: the same sums, and for each row the
/// weight that is its own. Groups and threads are the same.
/// </summary>
internal static class ChangedNormKernel
{
    [Kernel]
    public static void Run(
        ArrayView<float> x,
        ArrayView<float> weight,
        ArrayView<float> pool32,
        ArrayView<int> directory,
        ArrayView<int> changeOfRow,
        ArrayView<int> outputRows,
        ArrayView<float> y,
        NormShape shape,
        NormOwners owners)
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
        int record = RecordOf(directory, changeOfRow, outputRows, owners);
        for (int i = Group.IdxX; i < shape.Columns; i += KernelLoader.GroupSize)
        {
            y[begin + i] = x[begin + i] * scale * WeightOf(weight, pool32, directory, record, i);
        }
    }

    /// <summary>The same over <c>x += r</c>, rows as a whole.</summary>
    [Kernel]
    public static void AddAndRun(
        ArrayView<float> x,
        ArrayView<float> residual,
        ArrayView<float> weight,
        ArrayView<float> pool32,
        ArrayView<int> directory,
        ArrayView<int> changeOfRow,
        ArrayView<int> outputRows,
        ArrayView<float> y,
        NormShape shape,
        NormOwners owners)
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
        int record = RecordOf(directory, changeOfRow, outputRows, owners);
        for (int i = Group.IdxX; i < shape.Width; i += KernelLoader.GroupSize)
        {
            y[begin + i] = x[begin + i] * scale * WeightOf(weight, pool32, directory, record, i);
        }
    }

    /// <summary><see cref="LayerNormKernel"/> in the same way; what a generation adds comes behind the bias.</summary>
    [Kernel]
    public static void RunCentered(
        ArrayView<float> x,
        ArrayView<float> weight,
        ArrayView<float> bias,
        ArrayView<float> pool32,
        ArrayView<int> directory,
        ArrayView<int> changeOfRow,
        ArrayView<int> outputRows,
        ArrayView<float> y,
        LayerNormShape shape,
        NormOwners owners)
    {
        ArrayView<float> shared = SharedMemory.Allocate<float>(KernelLoader.GroupSize);
        long begin = (long)Grid.IdxX * shape.Width;
        float sum = 0;
        for (int i = Group.IdxX; i < shape.Width; i += KernelLoader.GroupSize)
        {
            sum += x[begin + i];
        }

        float mean = RowReduction.Sum(shared, sum) / shape.Width;
        float squares = 0;
        for (int i = Group.IdxX; i < shape.Width; i += KernelLoader.GroupSize)
        {
            float value = x[begin + i] - mean;
            squares += value * value;
        }

        float scale = 1 / MathF.Sqrt((RowReduction.Sum(shared, squares) / shape.Width) + shape.Epsilon);
        int record = RecordOf(directory, changeOfRow, outputRows, owners);
        for (int i = Group.IdxX; i < shape.Width; i += KernelLoader.GroupSize)
        {
            float normed = (x[begin + i] - mean) * scale * WeightOf(weight, pool32, directory, record, i);
            if (shape.HasBias != 0)
            {
                normed += bias[i];
            }

            if (record >= 0)
            {
                long offset = ChangeKernels.PlaceOf(directory, directory[record + 7], directory[record + 8], i);
                if (offset >= 0)
                {
                    normed += pool32[offset];
                }
            }

            y[begin + i] = normed;
        }
    }

    /// <summary>The record of the row's generation; negative where it changes nothing.</summary>
    public static int RecordOf(ArrayView<int> directory, ArrayView<int> changeOfRow, ArrayView<int> outputRows, NormOwners owners)
    {
        int row = Grid.IdxX;
        if (owners.Mapped == 1)
        {
            row = outputRows[row];
        }

        int changes = changeOfRow[row];
        int record = -1;
        if (changes >= 0)
        {
            record = changes + (owners.Target * ChangeKernels.RecordInts);
        }

        return record;
    }

    /// <summary>The weight of a column, which is the generation's where it has one.</summary>
    public static float WeightOf(ArrayView<float> weight, ArrayView<float> pool32, ArrayView<int> directory, int record, int column)
    {
        float value = weight[column];
        if (record >= 0)
        {
            long own = ChangeKernels.PlaceOf(directory, directory[record + 1], directory[record + 2], column);
            if (own >= 0)
            {
                value = pool32[own];
            }
        }

        return value;
    }
}
