using System.Collections.Immutable;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Formats;
using SLoRA.Models;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Gpu.Bench;

/// <summary>
/// A decoder of real dimensions with random weights from a seed. All weights are cut from one block of host memory, each from a place of
/// its own, so that nothing large has to travel and the device still holds every one of them.
/// </summary>
internal sealed unsafe class BenchModel : IDisposable
{
    private const int Offset = 64;

    private readonly Dictionary<string, WeightSource> _weights = [];
    private readonly AlignedMemory _memory;
    private readonly DecoderModules _modules;

    /// <summary>Makes the first layers of a model.</summary>
    public BenchModel(Shape shape, TensorType type, int layers)
    {
        Shape = shape;
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
                InverseFrequencies = [.. Enumerable.Range(0, shape.HeadDim / 2)
                .Select(i => MathF.Pow(10000, -2f * i / shape.HeadDim))]
            },
        };
        Attention = attention.Shape;
        Rope = attention.Rope;
        var mlp = new GatedMlpBlock { HiddenSize = shape.Hidden, IntermediateSize = shape.Intermediate, Activation = Activation.Silu };
        var layer = new LayerDescription(new Branch(Norm("input_layernorm"), attention), new Branch(Norm("post_attention_layernorm"), mlp));
        Description = new DecoderDescription
        {
            Architecture = shape.Name,
            VocabularySize = shape.Vocabulary,
            HiddenSize = shape.Hidden,
            ContextLength = 8192,
            FinalNorm = Norm("norm"),
            TiedEmbeddings = shape.Name != Eight.Name,
            WeightType = type,
            Layers = [.. Enumerable.Repeat(layer, layers)],
            EndOfSequence = [],
        };
        _modules = DecoderModules.Of(Description);
        ImmutableArray<ExpectedTensor> tensors = _modules.Tensors;
        long largest = tensors.Max(tensor => tensor.ElementCount);
        _memory = new AlignedMemory((largest + (Offset * tensors.Length)) * type.ElementSize());
        new RandomElements(type, seed: 1).Fill(new Span<byte>(_memory.Address, checked((int)_memory.Bytes)), 0);
        for (int i = 0; i < tensors.Length; i++)
        {
            int rows = tensors[i].Shape.Length == 1 ? 1 : (int)tensors[i].Shape[0];
            _weights.Add(tensors[i].Name, new WeightSource(
                tensors[i].Name, WeightFormat.Of(type)!, (nint)(_memory.Address + ((long)Offset * i * type.ElementSize())), rows,
                (int)tensors[i].Shape[^1]));
        }

        NormModule Norm(string name) => new(name, shape.Hidden, 1e-5f);
    }

    /// <summary>Llama-3-8B's dimensions.</summary>
    public static Shape Eight { get; } = new("8b", 32, 4096, 14336, 32, 8, 128, 128256);

    /// <summary>Its dimensions.</summary>
    public Shape Shape { get; }

    /// <summary>The decoder.</summary>
    public DecoderDescription Description { get; }

    /// <summary>The attention of its layers.</summary>
    public GroupedAttention Attention { get; }

    /// <summary>Their rotation.</summary>
    public RopeDescription Rope { get; }

    /// <summary>The modules that adapters can target.</summary>
    public ImmutableArray<TargetModule> Targets => _modules.Targets;

    /// <summary>Bytes of each weight, vectors widened.</summary>
    public IEnumerable<long> Sizes => _weights.Values.Select(weight =>
        weight.Rows == 1 ? weight.Columns * sizeof(float) : weight.Bytes);

    /// <summary>Weights that a row is multiplied by: all but norms, and the embedding only where it is the head too.</summary>
    public long Multiplied => _weights.Values.Where(weight => weight.Rows > 1).Sum(weight => (long)weight.Rows * weight.Columns)
        - (Description.TiedEmbeddings ? 0 : (long)Shape.Vocabulary * Shape.Hidden);

    /// <summary>The shape that the command line calls by a name.</summary>
    public static Shape Find(string name) => name == Eight.Name ? Eight : Shape.Find(name)!;

    /// <summary>Puts the weights on a backend.</summary>
    public LoadedDecoder Load(IBackend backend)
    {
        backend.ReserveWeights(Sizes);
        return DecoderLoader.Load(Description, _modules, name => _weights[name], backend, static _ => { });
    }

    /// <summary>Modules of a layer that share their input, once more: a backend that has them already takes no memory for it.</summary>
    public LinearGroup Group(IBackend backend, int layer, params ReadOnlySpan<string> modules)
    {
        var parts = new List<LinearPart>();
        foreach (string module in modules)
        {
            string name = Description.Prefix(layer) + module;
            parts.Add(new LinearPart(
                backend.LoadMatrix(_weights[name + ".weight"]), null, _modules.Targets.Single(target => target.Name == name).Index));
        }

        return new LinearGroup([.. parts]);
    }

    public void Dispose() => _memory.Dispose();
}
