using ILGPU;
using ILGPU.Runtime;
using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Step;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// The products with base weights: by the library's own kernels, which keep a row's bits independent of its neighbours, on tensor cores
/// where the device has them and the weight allows it; or by cuBLAS where that is chosen and knows the format.
/// </summary>
/// <param name="device">The device.</param>
/// <param name="kernels">The kernels.</param>
/// <param name="blas">cuBLAS, or null.</param>
internal sealed class BaseProducts(GpuDevice device, GpuKernels kernels, BlasProducts? blas) : IDisposable
{
    /// <summary>Announces a weight: compiles what its products need.</summary>
    /// <param name="source">The weight.</param>
    /// <param name="shards">Shards that share its inputs, if it can be cut there.</param>
    /// <returns>
    /// The kernels, if they are computed on tensor cores. These do not add leaf by leaf: where shards share the inputs, none are.
    /// </returns>
    public TensorWeightKernels? Expect(WeightSource source, int shards)
    {
        if (blas is not null && BlasProducts.Takes(source.Format))
        {
            blas.Expect(source);
            return null;
        }

        if (kernels.TensorFor(source.Format) is { } tensor && source.Columns % TensorProductKernels.Run == 0
            && (shards == 1 || source.Partition is not { Axis: PartitionAxis.Columns }))
        {
            tensor.Prepare();
            return tensor;
        }

        kernels.For(source.Format).PrepareProducts(
            ofLeaves: source.Partition is { Axis: PartitionAxis.Columns } inputs && inputs.Split.Leaves > shards);
        return null;
    }

    /// <summary>All weights are announced.</summary>
    public void Complete(int rowLimit) => blas?.Complete(rowLimit);

    /// <summary>Multiplies rows by every part of a group: <c>y = x Wᵀ + b</c>, parts side by side.</summary>
    /// <param name="stream">Where kernels are launched.</param>
    /// <param name="group">The parts.</param>
    /// <param name="x">Inputs [rows, K].</param>
    /// <param name="rows">Rows.</param>
    /// <param name="y">Outputs [rows, width].</param>
    /// <param name="width">Columns of y.</param>
    /// <param name="withBias">Whether biases are added.</param>
    public void Multiply(
        AcceleratorStream stream, LinearGroup group, ArrayView<float> x, int rows, ArrayView<float> y, int width, bool withBias = true)
    {
        blas?.NextInput();
        var leaves = new SumLeaves(group.InputBorders.AsSpan());
        int next = 0;
        while (next < group.Parts.Length)
        {
            LinearPart part = group.Parts[next];
            var weight = (GpuMatrix)part.Weight;
            if (weight.Tensor is { } tensor)
            {
                next += TensorProducts.Multiply(
                    stream, tensor, group, next, x, rows, y, width, withBias, device.Accelerator.NumMultiprocessors);
                continue;
            }

            GpuVector? bias = withBias ? (GpuVector?)part.Bias : null;
            int firstColumn = group.Offsets[next];
            if (blas is not null && BlasProducts.Takes(weight.Format))
            {
                blas.Multiply(weight, bias, x, rows, y, width, firstColumn);
            }
            else
            {
                Multiply(stream, weight, bias, x, rows, y, new ProductShape(
                    rows, weight.Inputs, weight.Outputs, width, firstColumn, bias is null ? 0 : 1, leaves));
            }

            next++;
        }
    }

    public void Dispose() => blas?.Dispose();

    private static void Multiply(
        AcceleratorStream stream, GpuMatrix weight, GpuVector? bias, ArrayView<float> x, int rows, ArrayView<float> y, ProductShape shape)
    {
        // A view that nobody reads stands in for a bias that is not there.
        ArrayView<float> added = bias is null ? x : bias.Values;
        if (rows <= ProductKernels.FewRows)
        {
            KernelConfig config = Launch.Groups(Divide(weight.Outputs, ProductKernels.FewOutputs), Divide(rows, 4));
            weight.Kernels.Few(stream, config, x, weight.Bytes, added, y, shape);
        }
        else
        {
            KernelConfig config =
                Launch.Groups(Divide(weight.Outputs, ProductKernels.TileOutputs), Divide(rows, ProductKernels.TileRows));
            weight.Kernels.Many(stream, config, x, weight.Bytes, added, y, shape);
        }
    }

    private static int Divide(int elements, int groups) => (elements + groups - 1) / groups;
}
