using ILGPU;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary><c>x[t] = E[token(t)]</c>: tokens [T], E [V, D] as stored, x [T, D]. A group per row and 128 columns.</summary>
internal static class EmbedKernel
{
    [Kernel(typed: true)]
    public static void Run<TStored, TElement>(ArrayView<TStored> table, ArrayView<int> tokens, ArrayView<float> x, int width)
        where TStored : unmanaged
        where TElement : struct, IStoredType<TStored>
    {
        int row = Grid.IdxX;
        int column = (Grid.IdxY * KernelLoader.GroupSize) + Group.IdxX;
        if (column < width)
        {
            x[((long)row * width) + column] = TElement.Load(table[((long)tokens[row] * width) + column]);
        }
    }
}
