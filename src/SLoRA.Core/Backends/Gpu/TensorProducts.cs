using ILGPU;
using ILGPU.Runtime;
using SLoRA.Backends.Gpu.Kernels;

namespace SLoRA.Backends.Gpu;

/// <summary>Products on tensor cores: up to three that share an input, with weights of one format, in a launch.</summary>
internal static class TensorProducts
{
    /// <summary>
    /// <c>y = x Wᵀ + b</c> for the parts of a group from <paramref name="first"/> on, as many of them as have its format and fit into a
    /// launch.
    /// </summary>
    /// <returns>How many.</returns>
    public static int Multiply(
        AcceleratorStream stream, TensorWeightKernels kernels, LinearGroup group, int first, ArrayView<float> x, int rows,
        ArrayView<float> y, int width, bool withBias, int multiprocessors)
    {
        int count = CountOf(kernels, group, first);
        var shape = new GroupShape(
            rows, group.Inputs, width, Shape(group, first, count, 0, withBias), Shape(group, first, count, 1, withBias),
            Shape(group, first, count, 2, withBias));
        var weights = new TensorWeights(
            Weight(group, first, count, 0), Weight(group, first, count, 1), Weight(group, first, count, 2),
            Bias(group, first, count, 0, x), Bias(group, first, count, 1, x), Bias(group, first, count, 2, x));
        kernels.Multiply(stream, x, weights, y, shape, multiprocessors);
        return count;
    }

    private static int CountOf(TensorWeightKernels kernels, LinearGroup group, int first)
    {
        int count = 1;
        while (count < GroupShape.MaxParts && first + count < group.Parts.Length
            && ((GpuMatrix)group.Parts[first + count].Weight).Tensor == kernels)
        {
            count++;
        }

        return count;
    }

    private static PartShape Shape(LinearGroup group, int first, int count, int part, bool withBias)
    {
        if (part >= count)
        {
            return default;
        }

        LinearPart own = group.Parts[first + part];
        return new PartShape(own.Weight.Outputs, group.Offsets[first + part], withBias && own.Bias is not null ? 1 : 0);
    }

    // The first part's view stands in for one that is not there; nobody reads it.
    private static ArrayView<byte> Weight(LinearGroup group, int first, int count, int part) =>
        ((GpuMatrix)group.Parts[part < count ? first + part : first].Weight).Bytes;

    private static ArrayView<float> Bias(LinearGroup group, int first, int count, int part, ArrayView<float> none) =>
        part < count && group.Parts[first + part].Bias is { } bias ? ((GpuVector)bias).Values : none;
}
