using System.Collections.Immutable;
using ILGPU;
using ILGPU.Runtime;
using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Step;

namespace SLoRA.Backends.Gpu;

/// <summary>Launches <see cref="RecurrenceKernels.Run"/>.</summary>
internal delegate void RecurLauncher(
    AcceleratorStream stream,
    KernelConfig config,
    ArrayView<float> x,
    ArrayView<float> steps,
    ArrayView<float> rate,
    ArrayView<float> bias,
    ArrayView<float> skip,
    ArrayView<float> pool,
    ArrayView<int> slices,
    ArrayView<int> pages,
    ArrayView<float> y,
    RecurrenceShape shape,
    StatePlace place);

/// <summary>Launches <see cref="RegroupKernel.Run"/>.</summary>
internal delegate void RegroupLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> x, ArrayView<float> y, RegroupShape shape);

/// <summary>Launches <see cref="NormGatedKernel.Run"/>.</summary>
internal delegate void NormGatedLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> x, ArrayView<float> weight, ArrayView<float> gates,
    NormGatedShape shape);

/// <summary>The kernels of recurrent layers; they compile when this is made.</summary>
internal sealed class RecurrenceKernelSet(KernelLoader loader)
{
    /// <inheritdoc cref="RecurrenceKernels"/>
    public RecurLauncher Recur { get; } = loader.Load<RecurLauncher>(RecurrenceKernels.Run);

    /// <inheritdoc cref="RegroupKernel"/>
    public RegroupLauncher Regroup { get; } = loader.Load<RegroupLauncher>(RegroupKernel.Run);

    /// <inheritdoc cref="NormGatedKernel"/>
    public NormGatedLauncher NormGated { get; } = loader.Load<NormGatedLauncher>(NormGatedKernel.Run);
}

/// <summary>The launches of recurrent layers.</summary>
internal sealed class RecurrenceLaunches(
    GpuDevice device, RecurrenceKernelSet kernels, GpuPageMemory pages, KvLayout layout, StepUpload step)
{
    /// <summary>Brings the states of all slices through their rows.</summary>
    public void Recur(int slices, GpuRows x, GpuRows steps, LoadedRecurrence recurrence, int state, GpuRows y)
    {
        Recurrence shape = recurrence.Shape;
        int blocks = (shape.ValueColumns + RecurrenceKernels.Columns - 1) / RecurrenceKernels.Columns;
        StateBlock block = layout.States[state];
        ArrayView<float> rate = ((GpuVector)recurrence.Rate).Values;
        kernels.Recur(
            device.Stream, Launch.Groups(slices, shape.Heads, blocks), x.Values, steps.Values, rate,
            ((GpuVector)recurrence.Bias).Values, recurrence.Skip is { } skip ? ((GpuVector)skip).Values : rate, pages.Floats,
            step.Slices, step.Pages, y.Values,
            new RecurrenceShape(shape, x.Width, steps.Width, y.Width, recurrence.Skip is null ? 0 : 1),
            new StatePlace(block.FirstSlot, block.PageSlots, block.PartBytes / sizeof(float), layout.PageBytes / sizeof(float)));
    }

    /// <summary>Copies columns, a launch for each run.</summary>
    public void Regroup(GpuRows x, ImmutableArray<ColumnRun> runs, GpuRows y, int rows)
    {
        foreach (ColumnRun run in runs)
        {
            kernels.Regroup(
                device.Stream, Launch.Elements(rows, run.Columns * run.Blocks), x.Values, y.Values,
                new RegroupShape(run, x.Width, y.Width));
        }
    }

    /// <summary>Norms heads beside their gates.</summary>
    public void NormGated(
        GpuRows x, int heads, GpuVector weight, float epsilon, GpuRows gates, int gateColumn, bool gatesFirst, int rows)
    {
        int columns = x.Width / heads;
        kernels.NormGated(
            device.Stream, Launch.Groups(rows, heads), x.Values, weight.Values, gates.Values,
            new NormGatedShape(
                x.Width, columns, epsilon, gates.Width, gateColumn, gatesFirst ? 1 : 0, weight.Length > columns ? columns : 0));
    }
}
