using SLoRA.Backends.Gpu.Kernels;

namespace SLoRA.Backends.Gpu;

/// <summary>What adapters take on tensor cores; it compiles when it is first asked for.</summary>
internal sealed class TensorAdapterKernels(KernelLoader loader)
{
    private readonly Lazy<ShrinkLauncher> _shrink = new(() => loader.Load<ShrinkLauncher>(LoraKernels.ShrinkOnTensorCores));
    private readonly Lazy<ExpandLauncher> _expand = new(() => loader.Load<ExpandLauncher>(LoraKernels.ExpandOnTensorCores));

    /// <inheritdoc cref="LoraKernels.ShrinkOnTensorCores"/>
    public ShrinkLauncher Shrink => _shrink.Value;

    /// <inheritdoc cref="LoraKernels.ExpandOnTensorCores"/>
    public ExpandLauncher Expand => _expand.Value;

    /// <summary>Compiles both.</summary>
    public void Prepare() => _ = (Shrink, Expand);
}
