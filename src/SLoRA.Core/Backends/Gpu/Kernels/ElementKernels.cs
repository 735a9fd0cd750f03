using ILGPU;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>Operations on one element at a time: rows [T, width], a group per row (x) and 128 columns (y).</summary>
internal static class ElementKernels
{
    /// <summary><c>y = silu(g) ∘ u</c>: x [T, 2 width] with g left and u right, y [T, width].</summary>
    [Kernel]
    public static void Gate(ArrayView<float> x, ArrayView<float> y, int width)
    {
        int row = Grid.IdxX;
        int column = (Grid.IdxY * KernelLoader.GroupSize) + Group.IdxX;
        if (column < width)
        {
            long left = (2L * row * width) + column;
            float gate = x[left];
            y[((long)row * width) + column] = gate / (1 + MathF.Exp(-gate)) * x[left + width];
        }
    }

    /// <summary><c>x += y</c>: x, y [T, width].</summary>
    [Kernel]
    public static void Add(ArrayView<float> x, ArrayView<float> y, int width)
    {
        int row = Grid.IdxX;
        int column = (Grid.IdxY * KernelLoader.GroupSize) + Group.IdxX;
        if (column < width)
        {
            x[((long)row * width) + column] += y[((long)row * width) + column];
        }
    }

    /// <summary><c>y[o] = x[rows[o]]</c>: rows [O], x [T, width], y [O, width].</summary>
    [Kernel]
    public static void Gather(ArrayView<float> x, ArrayView<int> rows, ArrayView<float> y, int width)
    {
        int row = Grid.IdxX;
        int column = (Grid.IdxY * KernelLoader.GroupSize) + Group.IdxX;
        if (column < width)
        {
            y[((long)row * width) + column] = x[((long)rows[row] * width) + column];
        }
    }
}
