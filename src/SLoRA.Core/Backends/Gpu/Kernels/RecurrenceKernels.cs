using ILGPU;
using SLoRA.Step;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>A <see cref="Recurrence"/> in numbers, with the columns of a row of x, of steps and of y.</summary>
internal readonly struct RecurrenceShape(Recurrence recurrence, int width, int stepWidth, int resultWidth, int hasSkip)
{
    public readonly int Width = width;
    public readonly int StepWidth = stepWidth;
    public readonly int ResultWidth = resultWidth;
    public readonly int HeadsPerGroup = recurrence.Heads / recurrence.Groups;
    public readonly int KeyColumns = recurrence.KeyColumns;
    public readonly int ValueColumns = recurrence.ValueColumns;
    public readonly int FirstQuery = recurrence.FirstQuery;
    public readonly int FirstKey = recurrence.FirstKey;
    public readonly int FirstValue = recurrence.FirstValue;
    public readonly int FirstStep = recurrence.FirstStep;
    public readonly float StepScale = recurrence.StepScale;

    /// <summary>Where b begins; of no meaning without the delta rule.</summary>
    public readonly int FirstStrength = recurrence.FirstStrength ?? 0;

    /// <summary>1 for the delta rule, 0 for a scan.</summary>
    public readonly int IsDelta = recurrence.IsDelta ? 1 : 0;

    /// <summary>1 if values are added to results.</summary>
    public readonly int HasSkip = hasSkip;
}

/// <summary>
/// <see cref="Recurrence"/>: x [T, width], steps [T, stepWidth], rate, bias, skip [H], y [T, resultWidth], slices and pages as for
/// <see cref="ConvolveKernel"/>, a state [n, p]. A group per slice (x), head (y) and 32 columns of its state (z), which it takes into
/// shared memory, brings through all rows of the slice and writes back. Four threads share a column, rows i mod 4 of it each; a sum over n
/// is that of a thread's rows, then those of the four threads as a tree.
/// </summary>
internal static class RecurrenceKernels
{
    /// <summary>Columns of a group.</summary>
    public const int Columns = 1 << ColumnsLog2;

    private const int ColumnsLog2 = 5;
    private const int Shares = 4;

    [Kernel]
    public static void Run(
        ArrayView<float> x, ArrayView<float> steps, ArrayView<float> rate, ArrayView<float> bias, ArrayView<float> skip,
        ArrayView<float> pool, ArrayView<int> slices, ArrayView<int> pages, ArrayView<float> y, RecurrenceShape shape, StatePlace place)
    {
        ArrayView<float> state = SharedMemory.Allocate<float>(Recurrence.MostKeyColumns * Columns);
        ArrayView<float> key = SharedMemory.Allocate<float>(Recurrence.MostKeyColumns);
        ArrayView<float> query = SharedMemory.Allocate<float>(Recurrence.MostKeyColumns);
        ArrayView<float> shared = SharedMemory.Allocate<float>(KernelLoader.GroupSize);
        int thread = Group.IdxX;
        int lane = thread & (Columns - 1);
        int share = thread >> ColumnsLog2;
        int head = Grid.IdxY;
        int column = (Grid.IdxZ << ColumnsLog2) + lane;
        int slice = Grid.IdxX * ConvolveKernel.SliceInts;
        int firstRow = slices[slice];
        int rows = slices[slice + 1];
        long begin = place.Of(pages[slices[slice + 2] + place.PageOf(head)], head) + column;
        bool isThere = column < shape.ValueColumns;
        for (int i = share; i < shape.KeyColumns; i += Shares)
        {
            float cell = 0;
            if (isThere)
            {
                cell = pool[begin + ((long)i * shape.ValueColumns)];
            }

            state[(i << ColumnsLog2) + lane] = cell;
        }

        int firstKey = shape.FirstKey + (head / shape.HeadsPerGroup * shape.KeyColumns);
        int firstQuery = shape.FirstQuery + (head / shape.HeadsPerGroup * shape.KeyColumns);
        for (int row = firstRow; row < firstRow + rows; row++)
        {
            long from = (long)row * shape.Width;
            float keySquares = 0;
            float querySquares = 0;
            for (int i = thread; i < shape.KeyColumns; i += KernelLoader.GroupSize)
            {
                float k = x[from + firstKey + i];
                float q = x[from + firstQuery + i];
                key[i] = k;
                query[i] = q;
                keySquares += k * k;
                querySquares += q * q;
            }

            // The barriers of the sums are those between writing and reading keys, queries and, in the first row, the state.
            float keyScale = 1 / MathF.Sqrt(RowReduction.Sum(shared, keySquares) + Recurrence.LengthEpsilon);
            float queryScale =
                1 / MathF.Sqrt((RowReduction.Sum(shared, querySquares) + Recurrence.LengthEpsilon) * shape.KeyColumns);
            float value = 0;
            if (isThere)
            {
                value = x[from + shape.FirstValue + (head * shape.ValueColumns) + column];
            }

            float step = Softplus((shape.StepScale * steps[((long)row * shape.StepWidth) + shape.FirstStep + head]) + bias[head]);
            float decay = MathF.Exp(-rate[head] * step);
            float given = step * value;
            if (shape.IsDelta == 1)
            {
                float kept = 0;
                for (int i = share; i < shape.KeyColumns; i += Shares)
                {
                    kept += state[(i << ColumnsLog2) + lane] * (key[i] * keyScale);
                }

                float strength = 1 / (1 + MathF.Exp(-steps[((long)row * shape.StepWidth) + shape.FirstStrength + head]));
                given = strength * (value - (decay * SumOfShares(shared, kept)));
            }
            else
            {
                keyScale = 1;
                queryScale = 1;
            }

            float sum = 0;
            for (int i = share; i < shape.KeyColumns; i += Shares)
            {
                float cell = (decay * state[(i << ColumnsLog2) + lane]) + (key[i] * keyScale * given);
                state[(i << ColumnsLog2) + lane] = cell;
                sum += cell * (query[i] * queryScale);
            }

            float result = SumOfShares(shared, sum);
            if (shape.HasSkip == 1)
            {
                result += skip[head] * value;
            }

            if (isThere && share == 0)
            {
                y[((long)row * shape.ResultWidth) + (head * shape.ValueColumns) + column] = result;
            }
        }

        for (int i = share; i < shape.KeyColumns; i += Shares)
        {
            if (isThere)
            {
                pool[begin + ((long)i * shape.ValueColumns)] = state[(i << ColumnsLog2) + lane];
            }
        }
    }

    /// <summary>The sum over the four threads of a column, in each of them.</summary>
    private static float SumOfShares(ArrayView<float> shared, float value)
    {
        int thread = Group.IdxX;
        int lane = thread & (Columns - 1);
        shared[thread] = value;
        Group.Barrier();
        float sum = shared[lane] + shared[lane + Columns] + (shared[lane + (2 * Columns)] + shared[lane + (3 * Columns)]);
        Group.Barrier();
        return sum;
    }

    /// <summary>ln(1 + eˣ). What 1 + e rounds away is made good by the factor, which is 1 but for that.</summary>
    private static float Softplus(float x)
    {
        float power = MathF.Exp(-MathF.Abs(x));
        float above = 1f + power;
        float rounded = above - 1f;
        float logarithm = power;
        if (rounded > 0f)
        {
            logarithm = MathF.Log(above) * (power / rounded);
        }

        return MathF.Max(x, 0f) + logarithm;
    }
}
