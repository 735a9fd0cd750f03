using ILGPU;
using ILGPU.Runtime;
using SLoRA.Backends.Gpu.Kernels;

namespace SLoRA.Backends.Gpu;

/// <summary>Launches <see cref="RouteKernels.Choose"/>.</summary>
internal delegate void ChooseExpertsLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> logits, ArrayView<float> correction, ArrayView<float> factors,
    ArrayView<int> experts, ArrayView<float> weights, RouteShape shape);

/// <summary>Launches <see cref="RouteKernels.Count"/>.</summary>
internal delegate void CountExpertsLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<int> experts, ArrayView<int> counts, int choices);

/// <summary>Launches <see cref="RouteKernels.Sort"/>.</summary>
internal delegate void SortByExpertLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<int> experts, ArrayView<int> counts, ArrayView<int> choiceOf,
    ArrayView<int> rowOf, ArrayView<int> tiles, ArrayView<int> tileCount, int choices, int tileRows);

/// <summary>Launches <see cref="OwnChoiceKernel"/>.</summary>
internal delegate void OwnChoiceLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<int> experts, ArrayView<int> choiceOf, ArrayView<int> rowOf, int choices,
    int first);

/// <summary>Launches <see cref="RoutedRowKernels.Combine"/>.</summary>
internal delegate void CombineLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> x, ArrayView<int> rowOf, ArrayView<int> experts,
    ArrayView<float> weights, ArrayView<float> y, CombineShape shape);

/// <summary>Launches <see cref="RoutedRowKernels.Spread"/>.</summary>
internal delegate void RoutedRowsLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> x, ArrayView<int> places, ArrayView<float> weights, ArrayView<float> y,
    int width, int chosen, int weighted);

/// <summary>Launches <see cref="RoutedRowKernels.AddGated"/>.</summary>
internal delegate void AddGatedLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> y, ArrayView<float> gate, ArrayView<float> x, int width);

/// <summary>Launches <see cref="RoutedRowKernels.GateClamped"/>.</summary>
internal delegate void GateClampedLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> x, ArrayView<float> y, int width, float limit, float alpha);

/// <summary>Launches <see cref="ExpertProductKernels.Few"/> or <see cref="ExpertProductKernels.Many"/>.</summary>
internal delegate void ExpertProductLauncher<TStored>(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> x, ArrayView<TStored> weight, ArrayView<float> bias,
    ArrayView<int> tiles, ArrayView<int> tileCount, ArrayView<float> y, ProductShape shape)
    where TStored : unmanaged;

/// <summary>Launches <see cref="ExpertLoraKernels.Shrink"/>.</summary>
internal delegate void ExpertShrinkLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> x, ArrayView<float> pool32, ArrayView<ushort> pool16,
    ArrayView<int> directory, ArrayView<int> chunks, ArrayView<int> entryChunks, ArrayView<int> entryRows, ArrayView<int> experts,
    ArrayView<int> rowOf, ArrayView<float> v, ExpertLoraShape shape);

/// <summary>Launches <see cref="ExpertLoraKernels.Expand"/>.</summary>
internal delegate void ExpertExpandLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> v, ArrayView<float> pool32, ArrayView<ushort> pool16,
    ArrayView<int> directory, ArrayView<int> chunks, ArrayView<int> entryChunks, ArrayView<int> entryRows, ArrayView<float> entryWeights,
    ArrayView<int> experts, ArrayView<int> rowOf, ArrayView<float> y, ExpertLoraShape shape);
