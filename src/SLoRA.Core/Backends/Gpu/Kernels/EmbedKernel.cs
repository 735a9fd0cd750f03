using ILGPU;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>
/// <c>x[t] = E[token(t)]</c>: tokens [T], E [V, D] as stored, x [T, D]. A group per row and 128 columns. Rows of tokens that the table does
/// not have, which an adapter brings, are left as they are.
/// </summary>
internal static class EmbedKernel
{
    [Kernel(weights: true)]
    public static void Run<TStored, TFormat>(ArrayView<TStored> table, ArrayView<int> tokens, ArrayView<float> x, int width)
        where TStored : unmanaged
        where TFormat : struct, IStoredFormat<TStored>
    {
        int row = Grid.IdxX;
        int column = (Grid.IdxY * KernelLoader.GroupSize) + Group.IdxX;
        if (column < width)
        {
            long first = (long)tokens[row] * TFormat.RowWords(width);
            if (first < table.Length)
            {
                x[((long)row * width) + column] = TFormat.Load(table, first, column, width);
            }
        }
    }
}
