using ILGPU;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>Rows of the step to routed rows and back: a group per row of the result (x) and 128 columns (y).</summary>
internal static class RoutedRowKernels
{
    /// <summary><c>y[p] = x[row(p)]</c>, times the weight if <paramref name="weighted"/> is 1: x [T, width], y [T k, width].</summary>
    [Kernel]
    public static void Spread(
        ArrayView<float> x, ArrayView<int> choiceOf, ArrayView<float> weights, ArrayView<float> y, int width, int chosen, int weighted)
    {
        int row = Grid.IdxX;
        int column = (Grid.IdxY * KernelLoader.GroupSize) + Group.IdxX;
        if (column < width)
        {
            int choice = choiceOf[row];
            float value = x[((long)(choice / chosen) * width) + column];
            if (weighted == 1)
            {
                value *= weights[choice];
            }

            y[((long)row * width) + column] = value;
        }
    }

    /// <summary>
    /// <c>y[t] = Σ x[p]</c> over the routed rows p of row t in the order of its choices, times their weights if
    /// <paramref name="weighted"/> is 1: x [T k, width], y [T, width].
    /// </summary>
    [Kernel]
    public static void Combine(
        ArrayView<float> x, ArrayView<int> rowOf, ArrayView<float> weights, ArrayView<float> y, int width, int chosen, int weighted)
    {
        int row = Grid.IdxX;
        int column = (Grid.IdxY * KernelLoader.GroupSize) + Group.IdxX;
        if (column < width)
        {
            float sum = 0;
            for (int i = 0; i < chosen; i++)
            {
                long choice = ((long)row * chosen) + i;
                float value = x[((long)rowOf[choice] * width) + column];
                if (weighted == 1)
                {
                    value *= weights[choice];
                }

                sum += value;
            }

            y[((long)row * width) + column] = sum;
        }
    }

    /// <summary>
    /// <c>y = (u + 1) ∘ g / (1 + e^(−α g))</c>, g and u limited: x [rows, 2 width] with g and u in turn, y [rows, width].
    /// </summary>
    [Kernel]
    public static void GateClamped(ArrayView<float> x, ArrayView<float> y, int width, float limit, float alpha)
    {
        int row = Grid.IdxX;
        int column = (Grid.IdxY * KernelLoader.GroupSize) + Group.IdxX;
        if (column < width)
        {
            long at = ((long)row * width) + column;
            float gate = MathF.Min(x[2 * at], limit);
            float up = MathF.Max(MathF.Min(x[(2 * at) + 1], limit), -limit);
            y[at] = (up + 1) * gate / (1 + MathF.Exp(-alpha * gate));
        }
    }

    /// <summary><c>y[t] += x[t] / (1 + e^(−g[t]))</c>: y, x [T, width], g [T, 1].</summary>
    [Kernel]
    public static void AddGated(ArrayView<float> y, ArrayView<float> gate, ArrayView<float> x, int width)
    {
        int row = Grid.IdxX;
        int column = (Grid.IdxY * KernelLoader.GroupSize) + Group.IdxX;
        if (column < width)
        {
            long at = ((long)row * width) + column;
            y[at] += x[at] / (1 + MathF.Exp(-gate[row]));
        }
    }
}
