using ILGPU;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>A sum over routed rows.</summary>
/// <param name="width">Columns.</param>
/// <param name="chosen">Experts of a row.</param>
/// <param name="isWeighted">1 if rows are multiplied by their weights.</param>
/// <param name="leaves">Where the leaves of the sum end, in experts that are here.</param>
internal readonly struct CombineShape(int width, int chosen, int isWeighted, SumLeaves leaves)
{
    public readonly int Width = width;
    public readonly int Chosen = chosen;
    public readonly int IsWeighted = isWeighted;
    public readonly SumLeaves Leaves = leaves;
}

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
    /// <c>y[t] = Σ x[p]</c> over the routed rows p of row t, times their weights if they are to be weighted: x [T k, width], y [T, width].
    /// Experts of a leaf are added in the order of the row's choices, then the leaves as a tree; those of none are on other shards.
    /// </summary>
    [Kernel]
    public static void Combine(
        ArrayView<float> x, ArrayView<int> rowOf, ArrayView<int> experts, ArrayView<float> weights, ArrayView<float> y, CombineShape shape)
    {
        int row = Grid.IdxX;
        int column = (Grid.IdxY * KernelLoader.GroupSize) + Group.IdxX;
        if (column < shape.Width)
        {
            long first = (long)row * shape.Chosen;
            var tree = default(NumberTree);
            float total = 0;
            int begin = 0;
            for (int leaf = 0; leaf < shape.Leaves.Count; leaf++)
            {
                int end = shape.Leaves.End(leaf);
                float sum = 0;
                for (int i = 0; i < shape.Chosen; i++)
                {
                    int expert = experts[first + i];
                    if (expert >= begin && expert < end)
                    {
                        float value = x[((long)rowOf[first + i] * shape.Width) + column];
                        if (shape.IsWeighted == 1)
                        {
                            value *= weights[first + i];
                        }

                        sum += value;
                    }
                }

                total = tree.Add(leaf, sum);
                begin = end;
            }

            y[((long)row * shape.Width) + column] = total;
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
