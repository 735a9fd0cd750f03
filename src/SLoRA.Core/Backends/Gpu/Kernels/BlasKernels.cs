using ILGPU;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>What stands around a product of cuBLAS: a group per row (x) and 128 columns (y).</summary>
internal static class BlasKernels
{
    /// <summary>Rounds activations to the weights' type: x [T, width] fp32 → narrow [T, width].</summary>
    [Kernel(typed: true)]
    public static void Narrow<TStored, TElement>(ArrayView<float> x, ArrayView<TStored> narrow, int width)
        where TStored : unmanaged
        where TElement : struct, IStoredType<TStored>
    {
        int row = Grid.IdxX;
        int column = (Grid.IdxY * KernelLoader.GroupSize) + Group.IdxX;
        if (column < width)
        {
            narrow[((long)row * width) + column] = TElement.Store(x[((long)row * width) + column]);
        }
    }

    /// <summary><c>y[t, firstColumn + n] += b[n]</c>: b [outputs], y [T, width].</summary>
    [Kernel]
    public static void AddBias(ArrayView<float> bias, ArrayView<float> y, int outputs, int width, int firstColumn)
    {
        int row = Grid.IdxX;
        int column = (Grid.IdxY * KernelLoader.GroupSize) + Group.IdxX;
        if (column < outputs)
        {
            y[((long)row * width) + firstColumn + column] += bias[column];
        }
    }
}
