using ILGPU;
using ILGPU.Runtime;
using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Step;

namespace SLoRA.Backends.Gpu;

/// <summary>Launches <see cref="HeadsNormKernels.Squares"/>.</summary>
internal delegate void HeadSquaresLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> x, ArrayView<float> squares, HeadsNormShape shape);

/// <summary>Launches <see cref="HeadsNormKernels.Norm"/>.</summary>
internal delegate void HeadsNormLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> x, ArrayView<float> squares, ArrayView<float> weight,
    ArrayView<float> pool32, ArrayView<int> directory, ArrayView<int> changeOfRow, ArrayView<int> outputRows, HeadsNormShape shape,
    NormOwners owners);

/// <summary>The kernels of norms over the heads of all shards; they compile when this is made.</summary>
internal sealed class HeadsNormKernelSet(KernelLoader loader)
{
    /// <inheritdoc cref="HeadsNormKernels.Squares"/>
    public HeadSquaresLauncher Squares { get; } = loader.Load<HeadSquaresLauncher>(HeadsNormKernels.Squares);

    /// <inheritdoc cref="HeadsNormKernels.Norm"/>
    public HeadsNormLauncher Norm { get; } = loader.Load<HeadsNormLauncher>(HeadsNormKernels.Norm);
}

/// <summary>Norms over heads side by side, of which a shard has some.</summary>
/// <param name="device">The device.</param>
/// <param name="kernels">The kernels.</param>
/// <param name="pages">The pages.</param>
/// <param name="directories">What generations have.</param>
/// <param name="step">The step.</param>
/// <param name="shard">What this device is of several; null for the only one.</param>
internal sealed class HeadsNorm(
    GpuDevice device, HeadsNormKernelSet kernels, GpuPageMemory pages, AdapterDirectories directories, StepUpload step, GpuShard? shard)
{
    // Of a norm that no generation of the step changes.
    private static readonly NormOwners Nobody = new(-1, 0);

    /// <summary>Norms, in place.</summary>
    /// <param name="plan">The step.</param>
    /// <param name="x">The rows.</param>
    /// <param name="firstColumn">The first column of the heads that are here.</param>
    /// <param name="weight">Their weight.</param>
    /// <param name="heads">All heads, as shards share them.</param>
    /// <param name="epsilon">What is added to the mean square.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="squares">Rows for the sums of squares, a column for each unit of the heads.</param>
    public void Run(
        StepPlan plan, GpuRows x, int firstColumn, GpuVector weight, Split heads, float epsilon, int rows, GpuRows squares)
    {
        (int first, int end) = heads.UnitsOf(shard?.Collective.Shard ?? 0, shard?.Collective.Shards ?? 1);
        int columns = heads.UnitColumns;
        var shape = new HeadsNormShape(x.Width, firstColumn, columns, heads.Units, heads.Shared, first, epsilon);
        kernels.Squares(device.Stream, Launch.Groups(rows, end - first), x.Values, squares.Values, shape);
        shard?.GatherUnits(squares, rows);
        kernels.Norm(
            device.Stream, Launch.Groups(rows, weight.Length / columns), x.Values, squares.Values, weight.Values, pages.Floats,
            directories.View, step.ChangeOfRow, step.OutputRows, shape,
            plan.Lora.Changes(weight.Target) ? ChangeLaunches.Owners(x, weight) : Nobody);
    }
}
