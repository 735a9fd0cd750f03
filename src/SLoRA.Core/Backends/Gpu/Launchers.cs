using ILGPU;
using ILGPU.Runtime;
using SLoRA.Backends.Gpu.Kernels;

namespace SLoRA.Backends.Gpu;

/// <summary>Launches <see cref="EmbedKernel.Run"/>.</summary>
internal delegate void EmbedLauncher<TStored>(
    AcceleratorStream stream, KernelConfig config, ArrayView<TStored> table, ArrayView<int> tokens, ArrayView<float> x, int width)
    where TStored : unmanaged;

/// <summary>Launches <see cref="ProductKernels.Few"/> or <see cref="ProductKernels.Many"/>.</summary>
internal delegate void ProductLauncher<TStored>(
    AcceleratorStream stream,
    KernelConfig config,
    ArrayView<float> x,
    ArrayView<TStored> weight,
    ArrayView<float> bias,
    ArrayView<float> y,
    ProductShape shape)
    where TStored : unmanaged;

/// <summary>Launches <see cref="RotateAndStoreKernel.Run"/>.</summary>
internal delegate void StoreLauncher<TStored>(
    AcceleratorStream stream,
    KernelConfig config,
    ArrayView<float> qkv,
    ArrayView<TStored> pool,
    ArrayView<int> positions,
    ArrayView<int> tableStart,
    ArrayView<int> pages,
    ArrayView<float> angles,
    CacheShape shape,
    RotationShape rotation)
    where TStored : unmanaged;

/// <summary>Launches <see cref="AttentionKernels.Attend"/>.</summary>
internal delegate void AttendLauncher<TStored>(
    AcceleratorStream stream,
    KernelConfig config,
    ArrayView<float> qkv,
    ArrayView<TStored> pool,
    ArrayView<int> tasks,
    ArrayView<int> positions,
    ArrayView<int> tableStart,
    ArrayView<int> pages,
    ArrayView<float> sinks,
    ArrayView<float> partial,
    ArrayView<float> y,
    AttentionShape shape)
    where TStored : unmanaged;

/// <summary>Launches <see cref="AttentionKernels.Merge"/>.</summary>
internal delegate void MergeLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> partial, ArrayView<int> merges, ArrayView<float> sinks,
    ArrayView<float> y, int heads, int headDim, int hasSinks);

/// <summary>Launches <see cref="NormKernel.Run"/>.</summary>
internal delegate void NormLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> x, ArrayView<float> weight, ArrayView<float> y, NormShape shape);

/// <summary>Launches <see cref="NormKernel.AddAndRun"/>.</summary>
internal delegate void AddNormLauncher(
    AcceleratorStream stream,
    KernelConfig config,
    ArrayView<float> x,
    ArrayView<float> residual,
    ArrayView<float> weight,
    ArrayView<float> y,
    NormShape shape);

/// <summary>Launches <see cref="LayerNormKernel.Run"/>.</summary>
internal delegate void LayerNormLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> x, ArrayView<float> weight, ArrayView<float> bias, ArrayView<float> y,
    LayerNormShape shape);

/// <summary>Launches <see cref="RotateAndStoreKernel.Rotate"/>.</summary>
internal delegate void RotateLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> x, ArrayView<int> positions, ArrayView<float> angles,
    RotatedHeads heads, RotationShape rotation);

/// <summary>Launches <see cref="ElementKernels.GateGelu"/>.</summary>
internal delegate void GeluLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> x, ArrayView<float> y, int width, int exact);

/// <summary>Launches <see cref="ElementKernels.Apply"/>.</summary>
internal delegate void ApplyLauncher(AcceleratorStream stream, KernelConfig config, ArrayView<float> x, FunctionShape shape);

/// <summary>Launches <see cref="ElementKernels.ScaleByPosition"/>.</summary>
internal delegate void PositionLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> x, ArrayView<int> positions, PositionShape shape);

/// <summary>Launches <see cref="ElementKernels.Multiply"/>.</summary>
internal delegate void MultiplyLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> y, ArrayView<float> x, ProductColumns columns);

/// <summary>Launches <see cref="ConvolveKernel.Run"/>.</summary>
internal delegate void ConvolveLauncher(
    AcceleratorStream stream,
    KernelConfig config,
    ArrayView<float> x,
    ArrayView<float> weight,
    ArrayView<float> bias,
    ArrayView<float> pool,
    ArrayView<int> slices,
    ArrayView<int> pages,
    ArrayView<float> y,
    ConvolutionShape shape,
    StatePlace state);

/// <summary>Launches <see cref="ElementKernels.Gate"/> or <see cref="ElementKernels.Add"/>.</summary>
internal delegate void RowsLauncher(AcceleratorStream stream, KernelConfig config, ArrayView<float> x, ArrayView<float> y, int width);

/// <summary>Launches <see cref="ElementKernels.Gather"/>.</summary>
internal delegate void GatherLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> x, ArrayView<int> rows, ArrayView<float> y, int width);

/// <summary>Launches <see cref="LoraKernels.Shrink"/>.</summary>
internal delegate void ShrinkLauncher(
    AcceleratorStream stream,
    KernelConfig config,
    ArrayView<float> x,
    ArrayView<float> pool32,
    ArrayView<ushort> pool16,
    ArrayView<int> directory,
    ArrayView<int> blocks,
    ArrayView<int> chunks,
    ArrayView<int> entryRows,
    ArrayView<int> outputOfRow,
    ArrayView<float> v,
    LoraShape shape);

/// <summary>Launches <see cref="LoraKernels.ShrinkEmbedding"/>.</summary>
internal delegate void ShrinkEmbeddingLauncher(
    AcceleratorStream stream,
    KernelConfig config,
    ArrayView<float> pool32,
    ArrayView<ushort> pool16,
    ArrayView<int> directory,
    ArrayView<int> chunks,
    ArrayView<int> entryRows,
    ArrayView<int> tokens,
    ArrayView<float> v,
    int target,
    int firstEntry);

/// <summary>Launches <see cref="LoraKernels.Expand"/>.</summary>
internal delegate void ExpandLauncher(
    AcceleratorStream stream,
    KernelConfig config,
    ArrayView<float> v,
    ArrayView<float> pool32,
    ArrayView<ushort> pool16,
    ArrayView<int> directory,
    ArrayView<int> blocks,
    ArrayView<int> chunks,
    ArrayView<int> entryRows,
    ArrayView<float> entryWeights,
    ArrayView<int> outputOfRow,
    ArrayView<float> y,
    LoraShape shape);

/// <summary>Launches <see cref="ChangeKernels.Product"/> or <see cref="SharedChangeKernels.Product"/>.</summary>
internal delegate void ChangedProductLauncher(
    AcceleratorStream stream,
    KernelConfig config,
    ArrayView<float> x,
    ArrayView<float> pool32,
    ArrayView<ushort> pool16,
    ArrayView<int> directory,
    ArrayView<int> chunks,
    ArrayView<int> entryRows,
    ArrayView<int> outputOfRow,
    ArrayView<float> y,
    LoraShape shape);

/// <summary>Launches <see cref="ChangeKernels.LookUp"/>.</summary>
internal delegate void ChangedLookUpLauncher(
    AcceleratorStream stream,
    KernelConfig config,
    ArrayView<float> pool32,
    ArrayView<ushort> pool16,
    ArrayView<int> directory,
    ArrayView<int> chunks,
    ArrayView<int> entryRows,
    ArrayView<int> tokens,
    ArrayView<float> y,
    LoraShape shape);

/// <summary>Launches <see cref="ChangeKernels.Sum"/>.</summary>
internal delegate void ChangedSumLauncher(
    AcceleratorStream stream,
    KernelConfig config,
    ArrayView<float> pool32,
    ArrayView<int> directory,
    ArrayView<int> chunks,
    ArrayView<int> entryRows,
    ArrayView<float> entryWeights,
    ArrayView<int> outputOfRow,
    ArrayView<float> y,
    LoraShape shape);

/// <summary>Launches <see cref="ChangedNormKernel.Run"/>.</summary>
internal delegate void ChangedNormLauncher(
    AcceleratorStream stream,
    KernelConfig config,
    ArrayView<float> x,
    ArrayView<float> weight,
    ArrayView<float> pool32,
    ArrayView<int> directory,
    ArrayView<int> changeOfRow,
    ArrayView<int> outputRows,
    ArrayView<float> y,
    NormShape shape,
    NormOwners owners);

/// <summary>Launches <see cref="ChangedNormKernel.AddAndRun"/>.</summary>
internal delegate void ChangedAddNormLauncher(
    AcceleratorStream stream,
    KernelConfig config,
    ArrayView<float> x,
    ArrayView<float> residual,
    ArrayView<float> weight,
    ArrayView<float> pool32,
    ArrayView<int> directory,
    ArrayView<int> changeOfRow,
    ArrayView<int> outputRows,
    ArrayView<float> y,
    NormShape shape,
    NormOwners owners);

/// <summary>Launches <see cref="ChangedNormKernel.RunCentered"/>.</summary>
internal delegate void ChangedLayerNormLauncher(
    AcceleratorStream stream,
    KernelConfig config,
    ArrayView<float> x,
    ArrayView<float> weight,
    ArrayView<float> bias,
    ArrayView<float> pool32,
    ArrayView<int> directory,
    ArrayView<int> changeOfRow,
    ArrayView<int> outputRows,
    ArrayView<float> y,
    LayerNormShape shape,
    NormOwners owners);

/// <summary>Launches <see cref="ChooseKernels.Penalise"/>.</summary>
internal delegate void PenaliseLauncher(
    AcceleratorStream stream,
    KernelConfig config,
    ArrayView<float> logits,
    ArrayView<int> choices,
    ArrayView<int> seen,
    ArrayView<int> counts,
    ArrayView<int> biasTokens,
    ArrayView<float> biases,
    int vocabulary);

/// <summary>Launches <see cref="ChooseKernels.Choose"/>.</summary>
internal delegate void ChooseLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> logits, ArrayView<int> choices, ArrayView<int> tokens, int vocabulary,
    int width);
