using ILGPU;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>Heads side by side that are normed together, and which of them are here.</summary>
/// <param name="width">Columns of a row.</param>
/// <param name="firstColumn">The first column of the heads that are here.</param>
/// <param name="columns">Columns of a head.</param>
/// <param name="units">Columns of sums of squares: a unit is a head, or a query head, several of which share a key head.</param>
/// <param name="shared">Units that share a head.</param>
/// <param name="firstUnit">The first unit that is here.</param>
/// <param name="epsilon">What is added to the mean square.</param>
internal readonly struct HeadsNormShape(int width, int firstColumn, int columns, int units, int shared, int firstUnit, float epsilon)
{
    public readonly int Width = width;
    public readonly int FirstColumn = firstColumn;
    public readonly int Columns = columns;
    public readonly int Units = units;
    public readonly int Shared = shared;
    public readonly int FirstUnit = firstUnit;
    public readonly float Epsilon = epsilon;

    /// <summary>Heads, here or on other shards.</summary>
    public int Heads => Units / Shared;
}

/// <summary>
/// <c>x = w ∘ x / √(mean(x²) + ε)</c> over heads side by side, which are normed together, in two steps: the sum of the squares of
/// each head, and, when those of all shards are there, the norm of the heads that are here. Squares are added head after head, wherever
/// heads are.
/// </summary>
internal static class HeadsNormKernels
{
    /// <summary>squares [rows, units]. Groups: rows (x) times units that are here (y).</summary>
    [Kernel]
    public static void Squares(ArrayView<float> x, ArrayView<float> squares, HeadsNormShape shape)
    {
        ArrayView<float> shared = SharedMemory.Allocate<float>(KernelLoader.GroupSize);
        int unit = shape.FirstUnit + Grid.IdxY;
        int head = (unit / shape.Shared) - (shape.FirstUnit / shape.Shared);
        long begin = ((long)Grid.IdxX * shape.Width) + shape.FirstColumn + (head * shape.Columns);
        float own = 0;
        for (int i = Group.IdxX; i < shape.Columns; i += KernelLoader.GroupSize)
        {
            float value = x[begin + i];
            own += value * value;
        }

        float sum = RowReduction.Sum(shared, own);
        if (Group.IdxX == 0)
        {
            squares[((long)Grid.IdxX * shape.Units) + unit] = sum;
        }
    }

    /// <summary>
    /// x [rows, width], squares [rows, units], weight of the heads that are here, or the row's generation's own where
    /// some generation of the step has one, which a target says that is not negative. Groups: rows (x) times
    /// heads that are here (y).
    /// </summary>
    [Kernel]
    public static void Norm(
        ArrayView<float> x,
        ArrayView<float> squares,
        ArrayView<float> weight,
        ArrayView<float> pool32,
        ArrayView<int> directory,
        ArrayView<int> changeOfRow,
        ArrayView<int> outputRows,
        HeadsNormShape shape,
        NormOwners owners)
    {
        long row = (long)Grid.IdxX * shape.Units;
        float sum = 0;
        for (int head = 0; head < shape.Heads; head++)
        {
            sum += squares[row + (head * shape.Shared)];
        }

        float scale = 1 / MathF.Sqrt((sum / (shape.Heads * shape.Columns)) + shape.Epsilon);
        int record = -1;
        if (owners.Target >= 0)
        {
            record = ChangedNormKernel.RecordOf(directory, changeOfRow, outputRows, owners);
        }

        int first = Grid.IdxY * shape.Columns;
        long begin = ((long)Grid.IdxX * shape.Width) + shape.FirstColumn + first;
        for (int i = Group.IdxX; i < shape.Columns; i += KernelLoader.GroupSize)
        {
            x[begin + i] = x[begin + i] * scale * ChangedNormKernel.WeightOf(weight, pool32, directory, record, first + i);
        }
    }
}
