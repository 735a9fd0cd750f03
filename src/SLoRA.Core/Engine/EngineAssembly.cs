using Microsoft.Extensions.Logging;
using SLoRA.Adapters.Intake;
using SLoRA.Adapters.Loading;
using SLoRA.Adapters.Packing;
using SLoRA.Adapters.Resident;
using SLoRA.Backends;
using SLoRA.Diagnostics;
using SLoRA.Models;
using SLoRA.Models.Blocks;
using SLoRA.Pool;
using SLoRA.Sampling;
using SLoRA.Scheduling;
using SLoRA.Step;

namespace SLoRA.Engine;

/// <summary>Builds an engine loop from files and options, and owns what must be freed after it: backend and base model.</summary>
internal sealed class EngineAssembly : IDisposable
{
    private readonly BaseModel _baseModel;
    private readonly AdapterIntake _intake;

    private EngineAssembly(
        EngineLoop loop, ModelInfo model, IBackend backend, EngineDescription asked, BaseModel baseModel, AdapterIntake intake)
    {
        Loop = loop;
        Model = model;
        Backend = backend;
        Logger = asked.Logger;
        Scheduling = asked.Scheduling;
        AdapterCache = asked.AdapterCache;
        _baseModel = baseModel;
        _intake = intake;
    }

    /// <summary>The loop; nothing steps it yet.</summary>
    public EngineLoop Loop { get; }

    /// <summary>The base model as callers see it.</summary>
    public ModelInfo Model { get; }

    /// <summary>The device.</summary>
    public IBackend Backend { get; }

    /// <summary>Where the engine logs.</summary>
    public ILogger Logger { get; }

    /// <summary>What reads adapters.</summary>
    public AdapterIntake Intake => _intake;

    /// <summary>The limits, the engine's own.</summary>
    public SchedulingOptions Scheduling { get; }

    /// <summary>How adapters come into the pool, the engine's own.</summary>
    public AdapterCacheOptions AdapterCache { get; }

    /// <summary>Loads the model, allocates the pool and registers the adapters. Gives everything back when it fails.</summary>
    /// <param name="asked">What to build.</param>
    /// <param name="progress">Told how far loading has come.</param>
    /// <param name="cancellation">Stops between two weights.</param>
    /// <param name="chunkLimit">The most rows of a prompt chunk; for tests.</param>
    /// <param name="reading">Stands between the engine and what it reads; for tests.</param>
    /// <param name="order">Says which sequences go before which; null for first come, first served.</param>
    public static EngineAssembly Build(
        EngineDescription asked,
        IProgress<LoadProgress>? progress,
        CancellationToken cancellation,
        Func<int>? chunkLimit = null,
        Func<ReadContent, ReadContent>? reading = null,
        IQueueOrder? order = null)
    {
        string folder = asked.Model ?? throw new InvalidOptionException("Model", "No model is named; call UseModel.");
        asked.Check();
        (PoolOptions pool, SchedulingOptions scheduling, AdapterCacheOptions adapterCache) =
            (asked.Pool, asked.Scheduling, asked.AdapterCache);
        ILogger logger = asked.Logger;
        BaseModel? model = null;
        IBackend? backend = null;
        EngineMetrics? metrics = null;
        EngineLoop? loop = null;
        AdapterIntake? intake = null;
        try
        {
            model = BaseModel.OpenHeaders(folder, cancellation);
            DecoderDescription description = asked.Layers(model.Decoder);
            foreach (string setting in model.Defaults.NotApplied)
            {
                Log.SettingNotApplied(logger, setting);
            }

            if (model.LeftOut > 0)
            {
                Log.PartsLeftOut(logger, model.LeftOut);
            }

            backend = asked.CreateBackend(scheduling.MaxRowsPerStep, scheduling.Places);
            KvLayout layout = backend.LayOut(description.Kept, CacheElements.Of(pool.CacheType, description.WeightType), pool.PageTokens);
            int pageCount = PageCount(pool.Bytes, layout.PageBytes);
            if (backend.Shortcoming is { } shortcoming)
            {
                Log.SlowBackend(logger, backend.Name, shortcoming);
            }

            backend.AllocatePages(layout, pageCount);
            IBackend served = backend;
            if (!backend.FindWeights(model.FilesFor(asked.Access, cancellation)))
            {
                model.Prepare(asked.Access, progress, cancellation);
            }

            backend.ReserveWeights(WeightSizes(model, backend));
            LoadedDecoder weights = LoadWeights(model, description, backend, progress, cancellation);
            TimeProvider clock = GuardedClock.Of(asked.Clock);
            var pace = new LoadPace(adapterCache.PageInShare, clock);
            var loader = new AdapterLoader(
                model.Modules.Targets.AddRange(model.Modules.Norms), layout.PageBytes, pageCount, pool.AdapterWeights,
                description.WeightType, target => Served(model.WeightOf(target), target, served), model.BiasOf, pace,
                adapterCache.AllowWithoutEffect,
                AdapterBase.Of(description), logger, layout.Shards, adapterCache.MaxAddedTokens);
            intake = new AdapterIntake(loader, asked.Source, adapterCache, clock, logger);
            ModelInfo info = Describe(model);
            var decoder = new Decoder(description, weights, backend, adapterCache.MaxAddedTokens);
            backend.CompleteLoading(decoder.Shape);
            if (backend.Status.PackedImage is { } image)
            {
                Log.PackedImage(logger, image);
            }

            model.Release();
            metrics = new EngineMetrics(asked.Metrics, Path.GetFileName(Path.TrimEndingDirectorySeparator(model.FolderPath)));
            loop = new EngineLoop(
                new EngineParts
                {
                    Decoder = decoder,
                    RopeLengths = decoder.Description.RopeLengths,
                    Backend = backend.Status,
                    Layout = layout,
                    Pool = new PagePool(pageCount),
                    Pages = backend.Pages,
                    ReadContent = reading is null ? intake.ReadAsync : reading(intake.ReadAsync),
                    HasAdapterSource = asked.Source is not null,
                    AdapterCache = adapterCache,
                    Pace = pace,
                    Order = order ?? OrderOf(scheduling.Policy, clock, asked.Metrics.MaxAccountTags),
                    Scheduling = scheduling,
                    Seeds = new SeedSource(),
                    Metrics = metrics,
                    Clock = clock,
                    ReusesPrefixes = pool.PrefixReuse,
                    ChecksInvariants = asked.ChecksInvariants,
                },
                chunkLimit);
            foreach (AdapterPackage package in asked.Adapters)
            {
                LoadedAdapter read = intake.Read(package, AdapterValidation.Content, cancellation);
                loop.Names.Register(new AdapterRegistration(package.Name, read.Headers), read.Image, replace: false);
                Log.Registered(logger, package.Name, read.Headers.Coverage);
            }

            Log.Loaded(logger, description.Architecture, info.ParameterCount, backend.Name, pageCount, layout.PageBytes);
            return new EngineAssembly(loop, info, backend, asked, model, intake);
        }
        catch
        {
            try
            {
                loop?.End(new EngineDisposedException());
            }
            finally
            {
                metrics?.Dispose();
                intake?.Dispose();
                backend?.Dispose();
                model?.Dispose();
            }

            throw;
        }
    }

    /// <summary>
    /// Frees backend and model. The loop must have ended. A reading that hangs is left alone: it can no longer reach what is freed.
    /// </summary>
    public void Dispose()
    {
        _intake.Dispose();
        Backend.Dispose();
        _baseModel.Dispose();
    }

    private static LoadedDecoder LoadWeights(
        BaseModel model, DecoderDescription description, IBackend backend, IProgress<LoadProgress>? progress,
        CancellationToken cancellation)
    {
        long done = 0;
        LoadedDecoder weights =
            DecoderLoader.Load(description, model.Modules, name => model.Weight(name, backend.Takes, cancellation), backend, weight =>
        {
            cancellation.ThrowIfCancellationRequested();
            BaseModel.Leave(weight);
            done += weight.Bytes;
            progress?.Report(new LoadProgress("device", Math.Min(done, model.FileBytes), model.FileBytes));
        });
        progress?.Report(new LoadProgress("device", model.FileBytes, model.FileBytes));
        return weights;
    }

    /// <summary>What each weight takes as <see cref="IBackend.ReserveWeights"/> counts.</summary>
    private static IEnumerable<long> WeightSizes(BaseModel model, IBackend backend) => model.Modules.Tensors.Select(
        // A packed byte is two numbers, which are widened to two bytes each.
        tensor => tensor.IsBytes ? 4 * tensor.ElementCount
            : tensor.Shape.Length == 1 ? tensor.ElementCount * sizeof(float)
            : backend.BytesOf(
                backend.Takes(model.FormatOf(tensor.Name)), tensor.ElementCount / tensor.Shape[^1], checked((int)tensor.Shape[^1])));

    /// <summary>The weight of a module, with what the backend makes of its rows. Look-ups take tables as they are stored.</summary>
    private static BaseWeight Served(BaseWeight weight, TargetModule target, IBackend backend) => target.Kind == TargetKind.Embedding
        ? weight
        : weight with
        {
            Rounding = backend.RoundingOf(backend.Takes(weight.Format), target.Kind == TargetKind.Head, target.Partition),
        };

    private static ModelInfo Describe(BaseModel model) => new()
    {
        Folder = model.FolderPath,
        Architecture = model.Decoder.Architecture,
        VocabularySize = model.Decoder.VocabularySize,
        HiddenSize = model.Decoder.HiddenSize,
        LayerCount = model.Decoder.Layers.Length,
        ContextLength = model.Decoder.ContextLength,
        ParameterCount = model.Modules.Tensors.Sum(tensor => tensor.ElementCount),
        EndOfTextTokens = model.Decoder.EndOfSequence,
        RecommendedSampling = model.Defaults.Sampling,
    };

    private static IQueueOrder OrderOf(SchedulingPolicy policy, TimeProvider clock, int maxAccountNames) =>
        policy.IsFirstCome ? new FirstCome() : new PolicyOrder(policy, clock, maxAccountNames);

    private static int PageCount(long bytes, long pageBytes)
    {
        long pages = Math.Min(bytes / pageBytes, int.MaxValue);
        return pages > 0
            ? (int)pages
            : throw new InvalidOptionException("Pool.Bytes", $"Pool.Bytes is {bytes}; one page of this model takes {pageBytes}.");
    }
}
