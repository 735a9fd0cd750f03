using ILGPU;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>What a layer norm needs beside its rows.</summary>
/// <param name="width">Columns of a row.</param>
/// <param name="epsilon">Added to the variance.</param>
/// <param name="hasBias">1 if there is a bias, 0 if not.</param>
internal readonly struct LayerNormShape(int width, float epsilon, int hasBias)
{
    public readonly int Width = width;
    public readonly float Epsilon = epsilon;
    public readonly int HasBias = hasBias;
}

/// <summary>
/// <c>y = w ∘ (x − mean(x)) / √(mean((x − mean(x))²) + ε) + b</c>: x, y [T, width], w, b [width]. A group per row (x); a thread sums every
/// 128th column, a tree sums the threads. y may be x.
/// </summary>
internal static class LayerNormKernel
{
    [Kernel]
    public static void Run(ArrayView<float> x, ArrayView<float> weight, ArrayView<float> bias, ArrayView<float> y, LayerNormShape shape)
    {
        ArrayView<float> shared = SharedMemory.Allocate<float>(KernelLoader.GroupSize);
        long begin = (long)Grid.IdxX * shape.Width;
        float sum = 0;
        for (int i = Group.IdxX; i < shape.Width; i += KernelLoader.GroupSize)
        {
            sum += x[begin + i];
        }

        float mean = RowReduction.Sum(shared, sum) / shape.Width;
        float squares = 0;
        for (int i = Group.IdxX; i < shape.Width; i += KernelLoader.GroupSize)
        {
            float value = x[begin + i] - mean;
            squares += value * value;
        }

        float scale = 1 / MathF.Sqrt((RowReduction.Sum(shared, squares) / shape.Width) + shape.Epsilon);
        for (int i = Group.IdxX; i < shape.Width; i += KernelLoader.GroupSize)
        {
            float normed = (x[begin + i] - mean) * scale * weight[i];
            if (shape.HasBias != 0)
            {
                normed += bias[i];
            }

            y[begin + i] = normed;
        }
    }
}
