using SLoRA.Backends.Gpu.Kernels;

namespace SLoRA.Backends.Gpu;

/// <summary>The launchers of the kernels that mixtures of experts need beside all others; compiled for models that have some.</summary>
internal sealed class ExpertKernels(KernelLoader loader)
{
    /// <inheritdoc cref="RouteKernels.Choose"/>
    public ChooseExpertsLauncher Choose { get; } = loader.Load<ChooseExpertsLauncher>(RouteKernels.Choose);

    /// <inheritdoc cref="RouteKernels.Count"/>
    public CountExpertsLauncher Count { get; } = loader.Load<CountExpertsLauncher>(RouteKernels.Count);

    /// <inheritdoc cref="RouteKernels.Sort"/>
    public SortByExpertLauncher Sort { get; } = loader.Load<SortByExpertLauncher>(RouteKernels.Sort);

    /// <inheritdoc cref="OwnChoiceKernel"/>
    public OwnChoiceLauncher KeepOwn { get; } = loader.Load<OwnChoiceLauncher>(OwnChoiceKernel.Run);

    /// <inheritdoc cref="RoutedRowKernels.Spread"/>
    public RoutedRowsLauncher Spread { get; } = loader.Load<RoutedRowsLauncher>(RoutedRowKernels.Spread);

    /// <inheritdoc cref="RoutedRowKernels.Combine"/>
    public CombineLauncher Combine { get; } = loader.Load<CombineLauncher>(RoutedRowKernels.Combine);

    /// <inheritdoc cref="RoutedRowKernels.AddGated"/>
    public AddGatedLauncher AddGated { get; } = loader.Load<AddGatedLauncher>(RoutedRowKernels.AddGated);

    /// <inheritdoc cref="RoutedRowKernels.GateClamped"/>
    public GateClampedLauncher GateClamped { get; } = loader.Load<GateClampedLauncher>(RoutedRowKernels.GateClamped);

    /// <inheritdoc cref="ExpertLoraKernels.Shrink"/>
    public ExpertShrinkLauncher Shrink { get; } = loader.Load<ExpertShrinkLauncher>(ExpertLoraKernels.Shrink);

    /// <inheritdoc cref="ExpertLoraKernels.Expand"/>
    public ExpertExpandLauncher Expand { get; } = loader.Load<ExpertExpandLauncher>(ExpertLoraKernels.Expand);
}
