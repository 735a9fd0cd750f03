using ILGPU;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary><c>x[t] = E[token(t)]</c>: tokens [T], E [V, D] as stored, x [T, D]. A group per row and 128 columns.</summary>
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
            x[((long)row * width) + column] = TFormat.Load(table, (long)tokens[row] * TFormat.RowWords(width), column);
        }
    }
}
