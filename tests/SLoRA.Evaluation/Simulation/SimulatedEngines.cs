using System.Buffers.Binary;
using SLoRA.Adapters.Intake;
using SLoRA.Adapters.Packing;
using SLoRA.Adapters.Resident;
using SLoRA.Engine;
using SLoRA.Evaluation.Runs;
using SLoRA.Evaluation.Systems;
using SLoRA.Formats.HuggingFace;
using SLoRA.Models;
using SLoRA.Models.Blocks;
using SLoRA.Models.Families;
using SLoRA.Planning;
using SLoRA.Step;

namespace SLoRA.Evaluation.Simulation;

/// <summary>Engines on a <see cref="SimulatedBackend"/>, in virtual time.</summary>
/// <param name="machine">What their steps cost, and what models look like in their pages.</param>
internal sealed class SimulatedEngines(SimulatedMachine machine) : IEngineSource
{
    private readonly SparseModelFolder _folder = new(machine.Shape);
    private readonly VirtualClock _clock = new();
    private readonly Dictionary<AdapterShape, TileDirectory> _directories = [];

    /// <inheritdoc/>
    public RunClock Clock => _clock;

    /// <inheritdoc/>
    public ServedEngine Create(SystemSetup setup, int? paddedRank, bool copies = false)
    {
        // Copied once is read, written, and read again by the product.
        EngineAssembly assembly = Assemble(
            setup, copies ? machine.Cost with { RankRow = 3 * machine.Cost.RankRow } : machine.Cost);
        for (int i = 0; i < setup.Adapters; i++)
        {
            Register(assembly, i, paddedRank ?? setup.RankOf(i));
        }

        return new ServedEngine(assembly, new RequestStyle(NamesAdapters: true, setup.FirstTokenTarget));
    }

    /// <inheritdoc/>
    public (ServedEngine Engine, Action<int> Merge) CreateMerging(SystemSetup setup)
    {
        EngineAssembly assembly = Assemble(setup, machine.Cost);
        return (
            new ServedEngine(assembly, new RequestStyle(NamesAdapters: false, setup.FirstTokenTarget)),
            adapter => _clock.Advance(adapter < 0 ? 0 : machine.MergeSeconds(setup.RankOf(adapter))));
    }

    /// <inheritdoc/>
    public void Dispose() => _folder.Dispose();

    private EngineAssembly Assemble(SystemSetup setup, StepCost cost) => EngineRecipe
        .Builder(_folder.ModelPath, machine.Scaled(setup), _clock)
        .UseBackend((_, _) => new SimulatedBackend(cost, machine.Link, _clock))
        .Assemble();

    /// <summary>Registers an adapter whose content is nothing but its size.</summary>
    private void Register(EngineAssembly assembly, int number, int rank)
    {
        string name = ServedEngine.NameOf(number);
        LoadedAdapter read =
            assembly.Intake.Read(new AdapterFolder(name, _folder.AdapterPath(rank)), AdapterValidation.Headers, default);
        TileDirectory directory = DirectoryOf(read.Headers);
        Span<byte> hash = stackalloc byte[GenerationId.Bytes];
        hash.Clear();
        BinaryPrimitives.WriteInt32BigEndian(hash, number + 1);
        var resident = new ResidentAdapter(directory, new int[directory.PageCount]);
        PageImage image = PageImage.FromPages(GenerationId.FromHash(hash), resident, assembly.Backend.Pages);
        assembly.Loop.Names.Register(new AdapterRegistration(name, read.Headers), image, replace: false);
    }

    private TileDirectory DirectoryOf(AdapterHeaders headers)
    {
        if (!_directories.TryGetValue(headers.Shape, out TileDirectory? directory))
        {
            DecoderDescription decoder = DecoderFamilies.Describe(ModelFolder.Open(_folder.ModelPath).Config);
            AdapterDescription description = AdapterDescription.Read(headers.Package, DecoderModules.Of(decoder).Targets);
            directory = headers.Shape.DirectoryOf(description.Modules);
            _directories.Add(headers.Shape, directory);
        }

        return directory;
    }
}
