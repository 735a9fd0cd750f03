using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using SLoRA.Adapters.Intake;
using SLoRA.Adapters.Resident;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Backends.Gpu;
using SLoRA.Backends.Reference;
using SLoRA.Diagnostics;
using SLoRA.Engine;
using SLoRA.Models.Blocks;
using SLoRA.Native;
using SLoRA.Scheduling;

namespace SLoRA;

/// <summary>
/// Describes an engine. Nothing is read and nothing is allocated before <see cref="BuildAsync"/>, which copies the description: what the
/// builder is told afterwards is for the engines that it builds afterwards. Not thread-safe; one builder builds any number of engines.
/// </summary>
public sealed class LoraServingEngineBuilder
{
    private readonly List<AdapterPackage> _adapters = [];
    private PoolOptions _pool = new();
    private SchedulingOptions _scheduling = new();
    private MetricsOptions _metrics = new();
    private AdapterCacheOptions _adapterCache = new();
    private IAdapterSource? _source;
    private string? _model;
    private ModelAccess _access;
    private Func<int, int, IBackend> _backend = (rows, outputs) => new CpuBackend(rows, outputs, null);
    private Func<DecoderDescription, DecoderDescription> _layers = static decoder => decoder;
    private ILogger _logger = NullLogger.Instance;
    private TimeProvider _clock = TimeProvider.System;
    private Action<ThreadStart> _startThread = EngineThread.StartThread;
    private bool _checksInvariants;

    internal LoraServingEngineBuilder()
    {
#if DEBUG
        _checksInvariants = true;
#endif
    }

    /// <summary>
    /// The base model: a Hugging Face folder with <c>config.json</c> and safetensors, a GGUF file, or a folder with one GGUF model.
    /// Required.
    /// </summary>
    /// <param name="folder">The folder, or the file; of a model that was split the first.</param>
    /// <param name="access">Whether its files are mapped while the engine lives, the default, or read once and closed.</param>
    /// <exception cref="InvalidOptionException">There is no such access.</exception>
    public LoraServingEngineBuilder UseModel(string folder, ModelAccess access = ModelAccess.Map)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (access is not (ModelAccess.Map or ModelAccess.Read))
        {
            throw new InvalidOptionException("Model.Access", $"Access is {access}; it must be Map or Read.");
        }

        _model = folder;
        _access = access;
        return this;
    }

    /// <summary>Computes on the processor, in vectors and on all cores. The default.</summary>
    public LoraServingEngineBuilder UseCpu() => UseCpu(new CpuOptions());

    /// <summary>Computes on the processor.</summary>
    /// <param name="configure">Sets options.</param>
    /// <exception cref="InvalidOptionException">One of them is out of its bounds.</exception>
    public LoraServingEngineBuilder UseCpu(Action<CpuOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        var options = new CpuOptions();
        configure(options);
        return UseCpu(options);
    }

    /// <summary>Computes on the processor as options say that stand already, such as a host has bound from its configuration.</summary>
    /// <param name="options">The options, as they stand now: what is changed in them later has no effect.</param>
    /// <exception cref="InvalidOptionException">One of them is out of its bounds.</exception>
    public LoraServingEngineBuilder UseCpu(CpuOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        OptionRules.Check(options);
        (int? threads, CpuWeights weights, CpuPrecision precision, int shards, MachineCodeUse code) =
            (options.Threads, options.Weights, options.Precision, options.Shards, options.MachineCode);
        ImagePlace? image = options.PackedImage == PackedImageUse.Off
            ? null
            : new ImagePlace(options.PackedImage == PackedImageUse.Complete, options.PackedImageFolder);
        bool places = options.Placement == CpuPlacement.Automatic;
        return UseBackend((rows, outputs) => shards == 1
            ? new CpuBackend(rows, outputs, threads, weights, machineCode: code, precision: precision, image: image)
            : CpuShards.Create(
                rows, outputs, threads, weights, shards, code, _checksInvariants, precision: precision,
                nodes: places ? MemoryNodes.Read(MemoryNodes.SystemFolder, ThreadAffinity.Get()) : [],
                image: image));
    }

    /// <summary>Computes on a GPU, or on several: through CUDA, or through OpenCL where there is no CUDA device.</summary>
    /// <remarks>
    /// The device is opened when the engine is built; <see cref="BuildAsync"/> then throws <see cref="GpuException"/> with the reason if it
    /// cannot be used.
    /// </remarks>
    public LoraServingEngineBuilder UseGpu() => UseGpu(new GpuOptions());

    /// <summary>Computes on a GPU, or on several.</summary>
    /// <param name="configure">Sets options.</param>
    /// <exception cref="InvalidOptionException">One of them is out of its bounds.</exception>
    public LoraServingEngineBuilder UseGpu(Action<GpuOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        var options = new GpuOptions();
        configure(options);
        return UseGpu(options);
    }

    /// <summary>Computes on a GPU, or on several, as options say that stand already.</summary>
    /// <param name="options">The options, as they stand now: what is changed in them later has no effect.</param>
    /// <exception cref="InvalidOptionException">One of them is out of its bounds.</exception>
    public LoraServingEngineBuilder UseGpu(GpuOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options = options.Copy();
        OptionRules.Check(options);
        return UseBackend((rows, outputs) => options.Devices.Count == 0
            ? new GpuBackend(GpuDevice.Open(options), rows, outputs, options.Products, graphs: options.Graphs)
            : GpuShards.Create(options, rows, outputs, _checksInvariants));
    }

    /// <summary>Computes by the scalar formulas that all other backends are checked against: slow, and obvious.</summary>
    public LoraServingEngineBuilder UseReference() => UseBackend((rows, outputs) => new ReferenceBackend(rows, outputs));

    /// <summary>Sets the size and the types of the page pool.</summary>
    public LoraServingEngineBuilder ConfigurePool(Action<PoolOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        configure(_pool);
        return this;
    }

    /// <summary>Takes a copy of all options of the pool, such as a host has bound from its configuration.</summary>
    public LoraServingEngineBuilder ConfigurePool(PoolOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _pool = options.Copy();
        return this;
    }

    /// <summary>Sets how much the engine takes on at once.</summary>
    public LoraServingEngineBuilder ConfigureScheduling(Action<SchedulingOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        configure(_scheduling);
        return this;
    }

    /// <summary>Takes a copy of all options of the limits, such as a host has bound from its configuration.</summary>
    public LoraServingEngineBuilder ConfigureScheduling(SchedulingOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _scheduling = options.Copy();
        return this;
    }

    /// <summary>Sets what the engine measures about itself, and for whom.</summary>
    public LoraServingEngineBuilder ConfigureMetrics(Action<MetricsOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        configure(_metrics);
        return this;
    }

    /// <summary>Takes a copy of all options of the measuring, such as a host has bound from its configuration.</summary>
    public LoraServingEngineBuilder ConfigureMetrics(MetricsOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _metrics = options.Copy();
        return this;
    }

    /// <summary>Sets how adapters come from disk into the pool, and how much of them stays in main memory.</summary>
    public LoraServingEngineBuilder ConfigureAdapters(Action<AdapterCacheOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        configure(_adapterCache);
        return this;
    }

    /// <summary>Takes a copy of all options of the adapter cache, such as a host has bound from its configuration.</summary>
    public LoraServingEngineBuilder ConfigureAdapters(AdapterCacheOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _adapterCache = options.Copy();
        return this;
    }

    /// <summary>
    /// Where names are looked up that nobody registered. A request with such a name waits for the answer; without a source it is refused at
    /// once.
    /// </summary>
    public LoraServingEngineBuilder UseAdapterSource(IAdapterSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        _source = source;
        return this;
    }

    /// <summary>
    /// Registers a PEFT folder, or an adapter in one GGUF file, when the engine is built; its content is read and checked then, so that a
    /// broken one is found at once.
    /// </summary>
    public LoraServingEngineBuilder AddAdapter(string name, string folder)
    {
        AdapterPackage.CheckName(name);
        ArgumentException.ThrowIfNullOrEmpty(folder);
        _adapters.Add(AdapterPackage.Of(name, folder));
        return this;
    }

    /// <summary>Registers tensors that the host program hands in when the engine is built. They are copied now.</summary>
    public LoraServingEngineBuilder AddAdapter(string name, AdapterTensors tensors)
    {
        AdapterPackage.CheckName(name);
        ArgumentNullException.ThrowIfNull(tensors);
        _adapters.Add(tensors.ToPackage(name));
        return this;
    }

    /// <summary>Where the engine logs; nowhere by default. What the logger throws is ignored.</summary>
    public LoraServingEngineBuilder UseLogger(ILogger logger)
    {
        ArgumentNullException.ThrowIfNull(logger);
        _logger = logger;
        return this;
    }

    /// <summary>The clock that times are measured by; the system's by default. While it throws, it stands still.</summary>
    public LoraServingEngineBuilder UseTimeProvider(TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        _clock = clock;
        return this;
    }

    /// <summary>Loads the model and its adapters and starts the engine. On failure or cancellation everything is given back.</summary>
    /// <param name="progress">Told how far reading and preparing the weights has come; called from a thread of the pool. What it throws
    /// ends the building.</param>
    /// <param name="cancellationToken">Stops between two weights.</param>
    /// <exception cref="InvalidOptionException">An option has an impossible value.</exception>
    /// <exception cref="ModelLoadException">The model cannot be served.</exception>
    /// <exception cref="AdapterLoadException">An adapter cannot be served.</exception>
    /// <exception cref="AdapterTooLargeException">An adapter needs more pages than a request could ever have.</exception>
    /// <exception cref="GpuException">The GPU cannot be used.</exception>
    /// <exception cref="MemoryException">The process cannot have the memory for weights and pool.</exception>
    /// <exception cref="EngineFaultedException">The system refuses the engine its thread.</exception>
    public Task<LoraServingEngine> BuildAsync(IProgress<LoadProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        EngineDescription description = Describe();
        return Task.Run(() => Start(EngineAssembly.Build(description, progress, cancellationToken), description), cancellationToken);
    }

    /// <summary>Computes on a backend that the caller makes: (most rows of a step, most rows with logits) → backend.</summary>
    internal LoraServingEngineBuilder UseBackend(Func<int, int, IBackend> create)
    {
        _backend = create;
        return this;
    }

    /// <summary>Whether the invariants of the page pool are checked after every step; debug builds do by default.</summary>
    internal LoraServingEngineBuilder CheckInvariants(bool check = true)
    {
        _checksInvariants = check;
        return this;
    }

    /// <summary>Starts the engine's thread in another way.</summary>
    internal LoraServingEngineBuilder UseThread(Action<ThreadStart> start)
    {
        _startThread = start;
        return this;
    }

    /// <summary>Puts blocks without modules between those of the model; for tests.</summary>
    internal LoraServingEngineBuilder UseLayers(Func<DecoderDescription, DecoderDescription> layers)
    {
        _layers = layers;
        return this;
    }

    /// <summary>
    /// Everything but the thread: for tests that make the steps themselves, and may stand between the engine and what it reads.
    /// </summary>
    internal EngineAssembly Assemble(
        IProgress<LoadProgress>? progress = null, CancellationToken cancellation = default, Func<int>? chunkLimit = null,
        Func<ReadContent, ReadContent>? reading = null, IQueueOrder? order = null) =>
        EngineAssembly.Build(Describe(), progress, cancellation, chunkLimit, reading, order);

    private static LoraServingEngine Start(EngineAssembly assembly, EngineDescription description)
    {
        try
        {
            return new LoraServingEngine(assembly, description);
        }
        catch (Exception error)
        {
            assembly.Loop.End(new EngineDisposedException());
            assembly.Dispose();
            throw new EngineFaultedException(error);
        }
    }

    private EngineDescription Describe() => new()
    {
        Model = _model,
        Access = _access,
        CreateBackend = _backend,
        Layers = _layers,
        Pool = _pool.Copy(),
        Scheduling = _scheduling.Copy(),
        AdapterCache = _adapterCache.Copy(),
        Metrics = _metrics.Copy(),
        Adapters = [.. _adapters.Select(adapter => adapter.ForEngine())],
        Source = _source,
        Logger = new GuardedLogger(_logger),
        Clock = _clock,
        ChecksInvariants = _checksInvariants,
        StartThread = _startThread,
    };
}
