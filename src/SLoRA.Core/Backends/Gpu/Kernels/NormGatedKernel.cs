using ILGPU;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>Norms beside gates: columns of a row of x and of gates, of a head, the first gate, and flags.</summary>
internal readonly struct NormGatedShape(
    int width, int columns, float epsilon, int gateWidth, int gateColumn, int gatesFirst, int weightStride)
{
    public readonly int Width = width;
    public readonly int Columns = columns;
    public readonly float Epsilon = epsilon;
    public readonly int GateWidth = gateWidth;
    public readonly int GateColumn = gateColumn;

    /// <summary>1 if gates come before the norm.</summary>
    public readonly int GatesFirst = gatesFirst;

    /// <summary>From one head's weights to the next: 0 where heads share them.</summary>
    public readonly int WeightStride = weightStride;
}

/// <summary>
/// <c>x = w ∘ norm(x) ∘ silu(z)</c>, or <c>x = w ∘ norm(x ∘ silu(z))</c>: x [T, width], z [T, gateWidth] from a column on. A group per row
/// (x) and head (y); sums as in <see cref="NormKernel"/>.
/// </summary>
internal static class NormGatedKernel
{
    [Kernel]
    public static void Run(ArrayView<float> x, ArrayView<float> weight, ArrayView<float> gates, NormGatedShape shape)
    {
        ArrayView<float> shared = SharedMemory.Allocate<float>(KernelLoader.GroupSize);
        int head = Grid.IdxY * shape.Columns;
        long begin = ((long)Grid.IdxX * shape.Width) + head;
        long gate = ((long)Grid.IdxX * shape.GateWidth) + shape.GateColumn + head;
        int firstWeight = Grid.IdxY * shape.WeightStride;
        float squares = 0;
        for (int i = Group.IdxX; i < shape.Columns; i += KernelLoader.GroupSize)
        {
            float value = x[begin + i];
            if (shape.GatesFirst == 1)
            {
                value *= Silu(gates[gate + i]);
                x[begin + i] = value;
            }

            squares += value * value;
        }

        float scale = 1 / MathF.Sqrt((RowReduction.Sum(shared, squares) / shape.Columns) + shape.Epsilon);
        for (int i = Group.IdxX; i < shape.Columns; i += KernelLoader.GroupSize)
        {
            float value = x[begin + i] * scale * weight[firstWeight + i];
            if (shape.GatesFirst == 0)
            {
                value *= Silu(gates[gate + i]);
            }

            x[begin + i] = value;
        }
    }

    private static float Silu(float x) => x / (1 + MathF.Exp(-x));
}
