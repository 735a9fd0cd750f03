using System.Collections.Frozen;
using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Formats;

namespace SLoRA.Backends.Gpu;

/// <summary>The launchers of all kernels on one device.</summary>
/// <param name="loader">Loads them.</param>
/// <param name="emulatesTensorCores">Whether kernels for tensor cores are used though the device has none: for tests.</param>
/// <param name="emulatesTensorProducts">The same for products alone: elsewhere the emulation takes compilers too long.</param>
internal sealed class GpuKernels(KernelLoader loader, bool emulatesTensorCores = false, bool emulatesTensorProducts = false)
{
    private readonly Lazy<ExpertKernels> _experts = new(() => new ExpertKernels(loader));
    private readonly Lazy<IntegerCacheKernelSet> _integers = new(() => new IntegerCacheKernelSet(loader));
    private readonly Lazy<LatentKernelSet> _latent = new(() => new LatentKernelSet(loader));
    private readonly Lazy<ExchangeLaunchers> _exchange = new(() => new ExchangeLaunchers(loader));
    private readonly Lazy<HeadsNormKernelSet> _headsNorm = new(() => new HeadsNormKernelSet(loader));
    private readonly Lazy<RecurrenceKernelSet> _recurrences = new(() => new RecurrenceKernelSet(loader));

    private readonly FrozenDictionary<GpuFormat, WeightKernels> _weights =
        GpuFormats.All.ToFrozenDictionary(format => format, format => format.Load(loader));

    private readonly FrozenDictionary<GpuFormat, TensorWeightKernels?> _tensor =
        emulatesTensorCores || emulatesTensorProducts || loader.HasTensorCores
            ? GpuFormats.All.ToFrozenDictionary(format => format, format => format.LoadTensor(loader))
            : FrozenDictionary<GpuFormat, TensorWeightKernels?>.Empty;

    /// <inheritdoc cref="RotateAndStoreKernel"/>
    public TypedKernel<StoreLauncher<float>, StoreLauncher<ushort>> RotateAndStore { get; } = new(
        () => loader.Load<StoreLauncher<float>>(RotateAndStoreKernel.Run<float, StoredF32>),
        () => loader.Load<StoreLauncher<ushort>>(RotateAndStoreKernel.Run<ushort, StoredF16>),
        () => loader.Load<StoreLauncher<ushort>>(RotateAndStoreKernel.Run<ushort, StoredBf16>));

    /// <inheritdoc cref="AttentionKernels.Attend"/>
    public TypedKernel<AttendLauncher<float>, AttendLauncher<ushort>> Attend { get; } = new(
        () => loader.Load<AttendLauncher<float>>(AttentionKernels.Attend<float, StoredF32>),
        () => loader.Load<AttendLauncher<ushort>>(AttentionKernels.Attend<ushort, StoredF16>),
        () => loader.Load<AttendLauncher<ushort>>(AttentionKernels.Attend<ushort, StoredBf16>));

    /// <inheritdoc cref="AttentionKernels.Merge"/>
    public MergeLauncher Merge { get; } = loader.Load<MergeLauncher>(AttentionKernels.Merge);

    /// <inheritdoc cref="NormKernel"/>
    public NormLauncher Norm { get; } = loader.Load<NormLauncher>(NormKernel.Run);

    /// <inheritdoc cref="NormKernel.AddAndRun"/>
    public AddNormLauncher AddNorm { get; } = loader.Load<AddNormLauncher>(NormKernel.AddAndRun);

    /// <inheritdoc cref="ElementKernels.Gate"/>
    public RowsLauncher Gate { get; } = loader.Load<RowsLauncher>(ElementKernels.Gate);

    /// <inheritdoc cref="LayerNormKernel"/>
    public LayerNormLauncher LayerNorm { get; } = loader.Load<LayerNormLauncher>(LayerNormKernel.Run);

    /// <inheritdoc cref="RotateAndStoreKernel.Rotate"/>
    public RotateLauncher Rotate { get; } = loader.Load<RotateLauncher>(RotateAndStoreKernel.Rotate);

    /// <inheritdoc cref="ElementKernels.GateGelu"/>
    public GeluLauncher GateGelu { get; } = loader.Load<GeluLauncher>(ElementKernels.GateGelu);

    /// <inheritdoc cref="ElementKernels.Apply"/>
    public ApplyLauncher Apply { get; } = loader.Load<ApplyLauncher>(ElementKernels.Apply);

    /// <inheritdoc cref="ElementKernels.ScaleByPosition"/>
    public PositionLauncher ScaleByPosition { get; } = loader.Load<PositionLauncher>(ElementKernels.ScaleByPosition);

    /// <inheritdoc cref="ElementKernels.Multiply"/>
    public MultiplyLauncher Multiply { get; } = loader.Load<MultiplyLauncher>(ElementKernels.Multiply);

    /// <inheritdoc cref="ConvolveKernel"/>
    public ConvolveLauncher Convolve { get; } = loader.Load<ConvolveLauncher>(ConvolveKernel.Run);

    /// <inheritdoc cref="ElementKernels.Add"/>
    public RowsLauncher Add { get; } = loader.Load<RowsLauncher>(ElementKernels.Add);

    /// <inheritdoc cref="ElementKernels.Gather"/>
    public GatherLauncher Gather { get; } = loader.Load<GatherLauncher>(ElementKernels.Gather);

    /// <inheritdoc cref="LoraKernels.Shrink"/>
    public ShrinkLauncher Shrink { get; } = loader.Load<ShrinkLauncher>(LoraKernels.Shrink);

    /// <inheritdoc cref="LoraKernels.ShrinkOfLeaves"/>
    public ShrinkLauncher ShrinkOfLeaves { get; } = loader.Load<ShrinkLauncher>(LoraKernels.ShrinkOfLeaves);

    /// <inheritdoc cref="LoraKernels.ShrinkEmbedding"/>
    public ShrinkEmbeddingLauncher ShrinkEmbedding { get; } = loader.Load<ShrinkEmbeddingLauncher>(LoraKernels.ShrinkEmbedding);

    /// <inheritdoc cref="LoraKernels.Expand"/>
    public ExpandLauncher Expand { get; } = loader.Load<ExpandLauncher>(LoraKernels.Expand);

    /// <inheritdoc cref="ChangeKernels.Product"/>
    public ChangedProductLauncher ChangedProduct { get; } = loader.Load<ChangedProductLauncher>(ChangeKernels.Product);

    /// <inheritdoc cref="SharedChangeKernels.Product"/>
    public ChangedProductLauncher ChangedProductOfLeaves { get; } = loader.Load<ChangedProductLauncher>(SharedChangeKernels.Product);

    /// <inheritdoc cref="ChangeKernels.LookUp"/>
    public ChangedLookUpLauncher ChangedLookUp { get; } = loader.Load<ChangedLookUpLauncher>(ChangeKernels.LookUp);

    /// <inheritdoc cref="ChangeKernels.Sum"/>
    public ChangedSumLauncher ChangedSum { get; } = loader.Load<ChangedSumLauncher>(ChangeKernels.Sum);

    /// <inheritdoc cref="ChangedNormKernel.Run"/>
    public ChangedNormLauncher ChangedNorm { get; } = loader.Load<ChangedNormLauncher>(ChangedNormKernel.Run);

    /// <inheritdoc cref="ChangedNormKernel.AddAndRun"/>
    public ChangedAddNormLauncher ChangedAddNorm { get; } = loader.Load<ChangedAddNormLauncher>(ChangedNormKernel.AddAndRun);

    /// <inheritdoc cref="ChangedNormKernel.RunCentered"/>
    public ChangedLayerNormLauncher ChangedLayerNorm { get; } = loader.Load<ChangedLayerNormLauncher>(ChangedNormKernel.RunCentered);

    /// <inheritdoc cref="ChooseKernels.Penalise"/>
    public PenaliseLauncher Penalise { get; } = loader.Load<PenaliseLauncher>(ChooseKernels.Penalise);

    /// <inheritdoc cref="ChooseKernels.Choose"/>
    public ChooseLauncher Choose { get; } = loader.Load<ChooseLauncher>(ChooseKernels.Choose);

    /// <summary>The kernels of mixtures of experts; they compile when they are first asked for.</summary>
    public ExpertKernels Experts => _experts.Value;

    /// <summary>The kernels of a cache of 8-bit integers; they compile when they are first asked for.</summary>
    public IntegerCacheKernelSet Integers => _integers.Value;

    /// <summary>The kernels of latent attention; they compile when they are first asked for.</summary>
    public LatentKernelSet Latent => _latent.Value;

    /// <summary>The kernels of exchanges between shards; they compile when they are first asked for.</summary>
    public ExchangeLaunchers Exchange => _exchange.Value;

    /// <summary>The kernels of norms over all heads together; they compile when they are first asked for.</summary>
    public HeadsNormKernelSet HeadsNorm => _headsNorm.Value;

    /// <summary>The kernels of recurrent layers; they compile when they are first asked for.</summary>
    public RecurrenceKernelSet Recurrences => _recurrences.Value;

    /// <summary>What adapters take on tensor cores; null where there are none, or where only products do.</summary>
    public TensorAdapterKernels? TensorAdapters { get; } =
        emulatesTensorCores || loader.HasTensorCores ? new TensorAdapterKernels(loader) : null;

    /// <summary>Attention on tensor cores; null where there are none, or where only products do.</summary>
    public TensorAttentionKernelSet? TensorAttention { get; } =
        emulatesTensorCores || loader.HasTensorCores ? new TensorAttentionKernelSet(loader) : null;

    /// <summary>The kernels that read weights of a format.</summary>
    public WeightKernels For(WeightFormat format) => _weights[GpuFormats.Of(format)];

    /// <summary>The products on tensor cores with weights of a format; null where there are none.</summary>
    public TensorWeightKernels? TensorFor(WeightFormat format) => _tensor.GetValueOrDefault(GpuFormats.Of(format));
}
