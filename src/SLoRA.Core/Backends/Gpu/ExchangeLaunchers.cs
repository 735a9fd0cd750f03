using ILGPU;
using ILGPU.Runtime;
using SLoRA.Backends.Gpu.Kernels;

namespace SLoRA.Backends.Gpu;

/// <summary>The kernels of <see cref="ExchangeKernels"/> on one device, and what else only shards need.</summary>
internal sealed class ExchangeLaunchers(KernelLoader loader)
{
    /// <inheritdoc cref="ExchangeKernels.PackColumns"/>
    public PackColumnsLauncher PackColumns { get; } = loader.Load<PackColumnsLauncher>(ExchangeKernels.PackColumns);

    /// <inheritdoc cref="ExchangeKernels.PackOwn"/>
    public PackColumnsLauncher PackOwn { get; } = loader.Load<PackColumnsLauncher>(ExchangeKernels.PackOwn);

    /// <inheritdoc cref="ExchangeKernels.SumColumns"/>
    public SumColumnsLauncher SumColumns { get; } = loader.Load<SumColumnsLauncher>(ExchangeKernels.SumColumns);

    /// <inheritdoc cref="ExchangeKernels.PlaceColumns"/>
    public PlaceColumnsLauncher PlaceColumns { get; } = loader.Load<PlaceColumnsLauncher>(ExchangeKernels.PlaceColumns);

    /// <inheritdoc cref="ExchangeKernels.PlaceEntries"/>
    public PlaceEntriesLauncher PlaceEntries { get; } = loader.Load<PlaceEntriesLauncher>(ExchangeKernels.PlaceEntries);

    /// <inheritdoc cref="ExchangeKernels.PackRanks"/>
    public RanksLauncher PackRanks { get; } = loader.Load<RanksLauncher>(ExchangeKernels.PackRanks);

    /// <inheritdoc cref="ExchangeKernels.SumRanks"/>
    public RanksLauncher SumRanks { get; } = loader.Load<RanksLauncher>(ExchangeKernels.SumRanks);

    /// <inheritdoc cref="ExchangeKernels.PlaceRanks"/>
    public RanksLauncher PlaceRanks { get; } = loader.Load<RanksLauncher>(ExchangeKernels.PlaceRanks);

    /// <inheritdoc cref="ExchangeKernels.PlaceEntryRanks"/>
    public EntryRanksLauncher PlaceEntryRanks { get; } = loader.Load<EntryRanksLauncher>(ExchangeKernels.PlaceEntryRanks);

    /// <inheritdoc cref="SharedChangeKernels.AddBias"/>
    public SharedBiasLauncher AddBias { get; } = loader.Load<SharedBiasLauncher>(SharedChangeKernels.AddBias);

    /// <inheritdoc cref="SharedChangeKernels.LookUp"/>
    public SharedLookUpLauncher LookUp { get; } = loader.Load<SharedLookUpLauncher>(SharedChangeKernels.LookUp);
}

/// <summary>Launches <see cref="ExchangeKernels.PackColumns"/> or <see cref="ExchangeKernels.PackOwn"/>.</summary>
internal delegate void PackColumnsLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> x, ArrayView<float> blocks, ColumnsShape shape);

/// <summary>Launches <see cref="ExchangeKernels.SumColumns"/>.</summary>
internal delegate void SumColumnsLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> x, ArrayView<float> received, ArrayView<float> bias,
    ArrayView<float> sums, int hasBias, int pitch, int first, ColumnsShape shape);

/// <summary>Launches <see cref="ExchangeKernels.PlaceColumns"/>.</summary>
internal delegate void PlaceColumnsLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> block, ArrayView<float> received, ArrayView<float> x,
    ColumnsShape shape);

/// <summary>Launches <see cref="ExchangeKernels.PlaceEntries"/>.</summary>
internal delegate void PlaceEntriesLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> block, ArrayView<float> received, ArrayView<int> places,
    ArrayView<float> x, EntriesShape shape);

/// <summary>
/// Launches <see cref="ExchangeKernels.PackRanks"/>, <see cref="ExchangeKernels.SumRanks"/> or <see cref="ExchangeKernels.PlaceRanks"/>.
/// </summary>
internal delegate void RanksLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> v, ArrayView<int> directory, ArrayView<int> chunks,
    ArrayView<float> blocks, LoraShape lora, RanksShape shape);

/// <summary>Launches <see cref="ExchangeKernels.PlaceEntryRanks"/>.</summary>
internal delegate void EntryRanksLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> v, ArrayView<int> directory, ArrayView<int> chunks,
    ArrayView<int> entryRows, ArrayView<int> places, ArrayView<float> received, LoraShape lora, RanksShape shape, SumLeaves rowsBefore);

/// <summary>Launches <see cref="SharedChangeKernels.AddBias"/>.</summary>
internal delegate void SharedBiasLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> bias, ArrayView<int> directory, ArrayView<int> changeOfRow,
    ArrayView<float> y, BiasShape shape);

/// <summary>Launches <see cref="SharedChangeKernels.LookUp"/>.</summary>
internal delegate void SharedLookUpLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> pool32, ArrayView<ushort> pool16, ArrayView<int> directory,
    ArrayView<int> chunks, ArrayView<int> entryRows, ArrayView<int> tokens, ArrayView<int> places, ArrayView<float> y, int target,
    int firstEntry, EntriesShape shape);
