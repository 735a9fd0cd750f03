using SLoRA.Adapters.Packing;
using SLoRA.Adapters.Resident;
using SLoRA.Backends.Cpu;
using SLoRA.Engine;
using SLoRA.Evaluation.Costs;
using SLoRA.Evaluation.Runs;
using SLoRA.Formats;

namespace SLoRA.Evaluation.Systems;

/// <summary>Engines on the processor, over random weights of a shape.</summary>
/// <param name="shape">The decoder.</param>
/// <param name="type">Type of weights and adapters: bf16, or fp32 where merged weights shall not be rounded.</param>
/// <param name="threads">Threads that compute.</param>
/// <param name="cache">Type of keys and values.</param>
internal sealed class RealEngines(Shape shape, TensorType type, int threads, CacheType cache = CacheType.Weights) : IEngineSource
{
    private readonly RandomModelFolder _folder = new(shape, type);
    private readonly SyntheticAdapters _adapters = new(shape, type);

    /// <inheritdoc/>
    public RunClock Clock { get; } = new RealClock();

    /// <summary>What watches the engine that was made last.</summary>
    public WatchingBackend? Watching { get; private set; }

    /// <inheritdoc/>
    public ServedEngine Create(SystemSetup setup, int? paddedRank, bool copies = false)
    {
        EngineAssembly assembly = Recipe(setup)
            .UseBackend((rows, outputs) => Watching = new WatchingBackend(
                copies ? new CopyingBackend(new CpuBackend(rows, outputs, threads)) : new CpuBackend(rows, outputs, threads)))
            .Assemble();
        for (int i = 0; i < setup.Adapters; i++)
        {
            string name = ServedEngine.NameOf(i);
            AdapterTensors tensors = _adapters.Create(i, setup.RankOf(i), paddedRank ?? setup.RankOf(i));
            LoadedAdapter read = assembly.Intake.Read(tensors.ToPackage(name), AdapterValidation.Content, default);
            assembly.Loop.Names.Register(new AdapterRegistration(name, read.Headers), read.Image, replace: false);
        }

        return new ServedEngine(assembly, new RequestStyle(NamesAdapters: true, setup.FirstTokenTarget));
    }

    /// <inheritdoc/>
    public (ServedEngine Engine, Action<int> Merge) CreateMerging(SystemSetup setup)
    {
        MergingBackend? merging = null;
        EngineAssembly assembly = Recipe(setup)
            .UseBackend((rows, outputs) => Watching =
                new WatchingBackend(merging = new MergingBackend(new CpuBackend(rows, outputs, threads), _adapters, threads)))
            .Assemble();
        return (
            new ServedEngine(assembly, new RequestStyle(NamesAdapters: false, setup.FirstTokenTarget)),
            adapter => merging!.Merge(adapter, adapter < 0 ? 0 : setup.RankOf(adapter)));
    }

    /// <inheritdoc/>
    public void Dispose() => _folder.Dispose();

    private LoraServingEngineBuilder Recipe(SystemSetup setup) =>
        EngineRecipe.Builder(_folder.Path, setup, Clock).ConfigurePool(pool => pool.CacheType = cache);
}
