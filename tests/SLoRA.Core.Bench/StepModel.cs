using SLoRA.Adapters.Intake;
using SLoRA.Adapters.Packing;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Formats;
using SLoRA.Models;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Core.Bench;

/// <summary>
/// A decoder with random weights on a Cpu backend, without an engine around it, with adapters of one rank on all linear modules of its
/// layers, and on every expert.
/// </summary>
internal sealed class StepModel : IDisposable
{
    /// <summary>The most sequences of a step.</summary>
    public const int Sequences = 16;

    private readonly IBackend _backend;
    private readonly RandomWeights _numbers;
    private readonly KvLayout _layout;
    private readonly int _pagesEach;
    private readonly int _vocabulary;
    private readonly ResidentAdapter[] _adapters;

    /// <summary>Makes it, in memory alone.</summary>
    /// <param name="shape">The decoder.</param>
    /// <param name="weights">Its weights.</param>
    /// <param name="threads">Threads.</param>
    /// <param name="context">Positions that rows may have before them.</param>
    /// <param name="adapters">Adapters.</param>
    /// <param name="rank">Their rank.</param>
    /// <param name="watch">Puts something between decoder and backend, or null.</param>
    /// <param name="shards">Shards that share the threads.</param>
    /// <param name="rows">The most rows of a step.</param>
    /// <param name="dora">How many of the adapters are DoRA: the last ones.</param>
    public StepModel(
        Shape shape, BaseWeights weights, int threads, int context, int adapters, int rank, Func<IBackend, IBackend>? watch = null,
        int shards = 1, int rows = 256, int dora = 0)
    {
        _backend = shards == 1
            ? new CpuBackend(rows, Sequences, threads, weights.Kept, precision: weights.Precision)
            : CpuShards.Create(rows, Sequences, threads, weights.Kept, shards, precision: weights.Precision);
        Plan = new StepPlan(rows, Sequences);
        _vocabulary = shape.Vocabulary;
        DecoderDescription description = Describe(shape, weights.Stored);
        _numbers = new RandomWeights(weights.Stored, (long)shape.Hidden * shape.Vocabulary, weights.Blocks);
        Decoder = new Decoder(description, Load(description, _numbers, _backend), watch?.Invoke(_backend) ?? _backend);
        TensorType type = weights.Stored == TensorType.F32 ? TensorType.F16 : weights.Stored;
        _layout = _backend.LayOut(description.Kept, CacheElements.Of(weights.Cache, type), null);
        _pagesEach = _layout.PagesFor(Math.Max(context + 300, rows));
        TileDirectory plain = Directory(description, rank, type, _layout, isDora: false);
        TileDirectory scaled = dora == 0 ? plain : Directory(description, rank, type, _layout, isDora: true);
        AdapterBytes = Bytes(plain);
        int first = _pagesEach * Sequences;
        _backend.AllocatePages(_layout, first + (adapters * scaled.PageCount));
        _adapters = new ResidentAdapter[adapters];
        _backend.CompleteLoading(description.Shape);
        var elements = new RandomElements(type, seed: 5);
        var page = new byte[_layout.PageBytes];

        // Whatever bytes fp32 numbers have will do as integers, and their scales are fp32.
        var kept = new RandomElements(_layout.HasScales ? TensorType.F32 : _layout.Type, seed: 5);
        for (int i = 0; i < first; i++)
        {
            // Keys and values that nobody wrote would all be one page of zeros, which comes from the cache.
            kept.Fill(page, 4 * i * 1013);
            _backend.Pages.Write(i, 0, page);
        }

        for (int i = 0; i < adapters; i++)
        {
            int[] pages = [.. Enumerable.Range(first + (i * scaled.PageCount), scaled.PageCount)];
            foreach (int index in pages)
            {
                elements.Fill(page, 2 * index * 1009);
                _backend.Pages.Write(index, 0, page);
            }

            _adapters[i] = new ResidentAdapter(i < adapters - dora ? plain : scaled, pages);
        }
    }

    /// <summary>The decoder.</summary>
    public Decoder Decoder { get; }

    /// <summary>The step that will run.</summary>
    public StepPlan Plan { get; }

    /// <summary>Bytes of one adapter.</summary>
    public long AdapterBytes { get; }

    /// <summary>Appends rows of a sequence, and of adapter <paramref name="adapter"/> if it is not negative.</summary>
    public void Slice(int sequence, int rows, int position, int adapter = -1)
    {
        int[] pages = [.. Enumerable.Range(sequence * _pagesEach, _layout.PagesFor(position + rows))];

        // Tokens differ, as what rows choose does.
        int[] tokens = [.. Enumerable.Range(0, rows).Select(row => ((sequence * 331) + ((position + row) * 17)) % _vocabulary)];
        int first = Plan.AddSlice(tokens, position, pages, 1);
        if (adapter >= 0)
        {
            Plan.Lora.Add(_adapters[adapter], first, rows, 1, startsPlace: false);
        }
    }

    /// <summary>
    /// A step of decode rows: row i uses adapter i mod <paramref name="adapters"/>, counted from <paramref name="first"/>, none if that is
    /// 0.
    /// </summary>
    public void Decode(int rows, int position, int adapters, int first = 0)
    {
        Plan.Clear();
        for (int i = 0; i < rows; i++)
        {
            Slice(i, 1, position, adapters == 0 ? -1 : first + (i % adapters));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _backend.Dispose();
        _numbers.Dispose();
    }

    private static TileDirectory Directory(DecoderDescription description, int rank, TensorType type, KvLayout layout, bool isDora)
    {
        var all = DecoderModules.Of(description);
        var modules = all.Targets;
        AdapterChange[] changes = !isDora ? [] :
        [
            .. modules.Where(module => module.Kind == TargetKind.Linear).Select(module => new AdapterChange(module)
            {
                Magnitude = new TensorEntry("magnitude", TensorType.F32, [module.OutFeatures], 0, 0),
            }),
        ];
        var adapted = modules.Where(module => module.Kind is TargetKind.Linear or TargetKind.Expert).Select(module => new AdapterModule(
            module, rank, 1, new TensorEntry("A", type, [rank, module.InFeatures], 0, 0),
            new TensorEntry("B", type, [module.OutFeatures, rank], 0, 0)));
        return TilePlanner.Plan(
            new AdapterParts([.. adapted], [.. changes], []), modules.Length + all.Norms.Length, layout.PageBytes,
            AdapterWeightType.AsStored, type, layout.Shards);
    }

    private static long Bytes(TileDirectory directory) => directory.Modules.Sum(module => module is null
        ? 0
        : (long)module.Rank * (module.A.Columns + module.B.Columns) * module.A.Type.ElementSize());

    private static DecoderDescription Describe(Shape shape, TensorType type)
    {
        var attention = new AttentionBlock
        {
            HiddenSize = shape.Hidden,
            Shape = new GroupedAttention
            {
                Heads = shape.Heads,
                KeyValueHeads = shape.KeyValueHeads,
                HeadDim = shape.HeadDim,
                ScoreScale = 1 / MathF.Sqrt(shape.HeadDim),
            },
            Rope = new RopeDescription
            {
                InverseFrequencies = [.. Enumerable.Range(0, shape.HeadDim / 2).Select(i => MathF.Pow(10000, -2f * i / shape.HeadDim))],
            },
            QueryKeyNorm = shape.Experts > 0 ? new QueryKeyNorm(1e-5f) : null,
        };
        Block mlp = shape.Experts > 0
            ? Experts(shape)
            : new GatedMlpBlock { HiddenSize = shape.Hidden, IntermediateSize = shape.Intermediate, Activation = Activation.Silu };
        var layer = new LayerDescription(new Branch(Norm("input_layernorm"), attention), new Branch(Norm("post_attention_layernorm"), mlp));
        return new DecoderDescription
        {
            Architecture = shape.Name,
            VocabularySize = shape.Vocabulary,
            HiddenSize = shape.Hidden,
            ContextLength = 8192,
            FinalNorm = Norm("norm"),
            TiedEmbeddings = true,
            WeightType = type,
            Layers = [.. Enumerable.Repeat(layer, shape.Layers)],
            EndOfSequence = [],
        };

        NormModule Norm(string name) => new(name, shape.Hidden, 1e-5f);
    }

    private static ExpertsBlock Experts(Shape shape) => new()
    {
        HiddenSize = shape.Hidden,
        Routing = new Routing { Experts = shape.Experts, Chosen = shape.Chosen, Score = RouterScore.Softmax, Normalise = true },
        Router = new LinearModule("mlp.gate", shape.Experts, shape.Hidden),
        GateUp = new ExpertModule(
            "mlp.experts", "gate_up_proj", "gate_proj", "up_proj", shape.Experts, shape.Intermediate, shape.Hidden),
        Down = new ExpertModule("mlp.experts", "down_proj", "down_proj", null, shape.Experts, shape.Hidden, shape.Intermediate)
        {
            Place = 1,
        },
        Activation = Activation.Silu,
    };

    private static LoadedDecoder Load(DecoderDescription description, RandomWeights weights, IBackend backend)
    {
        DecoderModules modules = DecoderModules.Of(description);
        Dictionary<string, ExpectedTensor> tensors = modules.Tensors.ToDictionary(tensor => tensor.Name);
        return DecoderLoader.Load(description, modules, name => Random(tensors[name]), backend, static _ => { });

        WeightSource Random(ExpectedTensor tensor) => weights.Next(tensor.Shape is [long rows, _] ? (int)rows : 1, (int)tensor.Shape[^1]);
    }
}
