using Microsoft.Extensions.Logging;
using SLoRA.Adapters;
using SLoRA.Backends;
using SLoRA.Diagnostics;
using SLoRA.Formats;
using SLoRA.Models;
using SLoRA.Pool;
using SLoRA.Sampling;

namespace SLoRA.Engine;

/// <summary>Builds an engine loop from files and options, and owns what must be freed after it: backend and base model.</summary>
internal sealed class EngineAssembly : IDisposable
{
    private readonly BaseModel _baseModel;
    private readonly AdapterIntake _intake;

    private EngineAssembly(
        EngineLoop loop, ModelInfo model, IBackend backend, AdapterCollection adapters, SchedulingOptions scheduling, ILogger logger, BaseModel baseModel, AdapterIntake intake)
    {
        Loop = loop;
        Model = model;
        Backend = backend;
        Adapters = adapters;
        Scheduling = scheduling;
        Logger = logger;
        _baseModel = baseModel;
        _intake = intake;
    }

    /// <summary>The loop; nothing steps it yet.</summary>
    public EngineLoop Loop { get; }

    /// <summary>The base model as callers see it.</summary>
    public ModelInfo Model { get; }

    /// <summary>The device.</summary>
    public IBackend Backend { get; }

    /// <summary>The adapters as callers see them.</summary>
    public AdapterCollection Adapters { get; }

    /// <summary>What reads adapters.</summary>
    public AdapterIntake Intake => _intake;

    /// <summary>The limits.</summary>
    public SchedulingOptions Scheduling { get; }

    /// <summary>Where the engine logs.</summary>
    public ILogger Logger { get; }

    /// <summary>Loads the model, allocates the pool and registers the adapters. Gives everything back when it fails.</summary>
    public static EngineAssembly Build(
        string folder,
        Func<int, int, IBackend> createBackend,
        PoolOptions pool,
        SchedulingOptions scheduling,
        AdapterCacheOptions adapterCache,
        IReadOnlyList<AdapterPackage> adapters,
        IAdapterSource? source,
        MetricsOptions metrics,
        ILogger logger,
        TimeProvider clock,
        bool checksInvariants,
        Func<int>? chunkLimit,
        Func<ReadContent, ReadContent>? reading,
        IProgress<LoadProgress>? progress,
        CancellationToken cancellation)
    {
        BaseModel? model = null;
        IBackend? backend = null;
        EngineLoop? loop = null;
        AdapterIntake? intake = null;
        try
        {
            model = BaseModel.Open(folder, progress, cancellation);
            DecoderDescription description = model.Decoder;
            foreach (string setting in model.Defaults.NotApplied)
            {
                Log.SettingNotApplied(logger, setting);
            }

            KvLayout layout = KvLayout.For(description, CacheTypeOf(pool.CacheType, description.WeightType), pool.PageTokens);
            int pageCount = PageCount(pool.Bytes, layout.PageBytes);
            backend = createBackend(scheduling.MaxRowsPerStep, scheduling.Places);
            if (backend.Shortcoming is { } shortcoming)
            {
                Log.SlowBackend(logger, backend.Name, shortcoming);
            }

            backend.AllocatePages(layout, pageCount);
            backend.ReserveWeights(WeightBytes(model));
            DecoderWeights weights = LoadWeights(model, backend, progress, cancellation);
            var pace = new LoadPace(adapterCache.PageInShare);
            var loader = new AdapterLoader(model.Targets, layout.PageBytes, pool.AdapterWeights, description.WeightType, model.WeightOf, pace);
            intake = new AdapterIntake(loader, pageCount, source, adapterCache, clock);
            ModelInfo info = Describe(model);
            var decoder = new Decoder(description, weights, backend);
            backend.CompleteLoading(description);
            loop = new EngineLoop(
                new EngineParts
                {
                    Decoder = decoder,
                    Backend = backend.Status,
                    Layout = layout,
                    Pool = new PagePool(pageCount),
                    Pages = backend.Pages,
                    ReadContent = reading is null ? intake.ReadAsync : reading(intake.ReadAsync),
                    HasAdapterSource = source is not null,
                    AdapterCache = adapterCache,
                    Pace = pace,
                    Scheduling = scheduling,
                    Seeds = new SeedSource(),
                    Metrics = new EngineMetrics(metrics, Path.GetFileName(Path.TrimEndingDirectorySeparator(model.FolderPath))),
                    Clock = clock,
                    ReusesPrefixes = pool.PrefixReuse,
                    ChecksInvariants = checksInvariants,
                },
                chunkLimit);
            foreach (AdapterPackage package in adapters)
            {
                (AdapterHeaders headers, PageImage? image) = intake.Read(package, AdapterValidation.Content, cancellation);
                loop.Names.Register(new AdapterRegistration(package.Name, headers), image, replace: false);
                Log.Registered(logger, package.Name, headers.Coverage);
            }

            Log.Loaded(logger, description.Architecture, info.ParameterCount, backend.Name, pageCount, layout.PageBytes);
            return new EngineAssembly(loop, info, backend, new AdapterCollection(loop, intake, logger), scheduling, logger, model, intake);
        }
        catch
        {
            loop?.End(new EngineDisposedException());
            intake?.Dispose();
            backend?.Dispose();
            model?.Dispose();
            throw;
        }
    }

    /// <summary>Frees backend and model. The loop must have ended. A reading that hangs is left alone: it can no longer reach what is freed.</summary>
    public void Dispose()
    {
        _intake.Dispose();
        Backend.Dispose();
        _baseModel.Dispose();
    }

    private static DecoderWeights LoadWeights(BaseModel model, IBackend backend, IProgress<LoadProgress>? progress, CancellationToken cancellation)
    {
        long done = 0;
        DecoderWeights weights = DecoderLoader.Load(model.Decoder, model.Targets, model.Weight, backend, weight =>
        {
            cancellation.ThrowIfCancellationRequested();
            done += (long)weight.Rows * weight.Columns * weight.Type.ElementSize();
            progress?.Report(new LoadProgress("device", Math.Min(done, model.FileBytes), model.FileBytes));
        });
        progress?.Report(new LoadProgress("device", model.FileBytes, model.FileBytes));
        return weights;
    }

    /// <summary>What the weights take as <see cref="IBackend.ReserveWeights"/> counts.</summary>
    private static long WeightBytes(BaseModel model)
    {
        long bytes = 0;
        foreach (ExpectedTensor tensor in TensorCatalog.Of(model.Decoder))
        {
            WeightSource weight = model.Weight(tensor.Name);
            int size = tensor.Shape.Length == 1 ? sizeof(float) : weight.Type.ElementSize();
            bytes += (((long)weight.Rows * weight.Columns * size) + 255) & ~255L;
        }

        return bytes;
    }

    private static ModelInfo Describe(BaseModel model) => new()
    {
        Folder = model.FolderPath,
        Architecture = model.Decoder.Architecture,
        VocabularySize = model.Decoder.VocabularySize,
        HiddenSize = model.Decoder.HiddenSize,
        LayerCount = model.Decoder.Layers.Length,
        ContextLength = model.Decoder.ContextLength,
        ParameterCount = TensorCatalog.Of(model.Decoder).Sum(tensor => tensor.Shape.Aggregate(1L, (product, size) => product * size)),
        EndOfTextTokens = model.Decoder.EndOfSequence,
    };

    private static int PageCount(long bytes, long pageBytes)
    {
        long pages = Math.Min(bytes / pageBytes, int.MaxValue);
        return pages > 0
            ? (int)pages
            : throw new InvalidOptionException("Pool.Bytes", $"Pool.Bytes is {bytes}; one page of this model takes {pageBytes}.");
    }

    private static TensorType CacheTypeOf(CacheType type, TensorType weights) => type switch
    {
        CacheType.Float32 => TensorType.F32,
        CacheType.Float16 => TensorType.F16,
        CacheType.BFloat16 => TensorType.BF16,
        _ => weights,
    };
}
