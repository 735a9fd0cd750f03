using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Formats;
using SLoRA.Models;

namespace SLoRA.Gpu.Bench;

/// <summary>
/// A decoder of real dimensions with random weights from a seed. All weights are cut from one block of host memory, each from a place of its own, so that
/// nothing large has to travel and the device still holds every one of them.
/// </summary>
internal sealed unsafe class BenchModel : IDisposable
{
    private const int Offset = 64;

    private readonly Dictionary<string, WeightSource> _weights = [];
    private readonly AlignedMemory _memory;

    /// <summary>Makes the first layers of a model.</summary>
    public BenchModel(Shape shape, TensorType type, int layers)
    {
        Shape = shape;
        var attention = new AttentionDescription
        {
            Heads = shape.Heads,
            KeyValueHeads = shape.KeyValueHeads,
            HeadDim = shape.HeadDim,
            Rope = new RopeDescription { InverseFrequencies = [.. Enumerable.Range(0, shape.HeadDim / 2).Select(i => MathF.Pow(10000, -2f * i / shape.HeadDim))] },
            ScoreScale = 1 / MathF.Sqrt(shape.HeadDim),
        };
        var layer = new LayerDescription { Attention = attention, Mlp = new MlpDescription { IntermediateSize = shape.Intermediate } };
        Description = new DecoderDescription
        {
            Architecture = shape.Name,
            VocabularySize = shape.Vocabulary,
            HiddenSize = shape.Hidden,
            ContextLength = 8192,
            NormEpsilon = 1e-5f,
            TiedEmbeddings = shape.Name != Eight.Name,
            WeightType = type,
            Layers = [.. Enumerable.Repeat(layer, layers)],
            EndOfSequence = [],
        };
        ExpectedTensor[] tensors = [.. TensorCatalog.Of(Description)];
        long largest = tensors.Max(tensor => tensor.Shape.Aggregate(1L, static (product, size) => product * size));
        _memory = new AlignedMemory((largest + (Offset * tensors.Length)) * type.ElementSize());
        new RandomElements(type, seed: 1).Fill(new Span<byte>(_memory.Address, checked((int)_memory.Bytes)), 0);
        for (int i = 0; i < tensors.Length; i++)
        {
            int rows = tensors[i].Shape.Length == 1 ? 1 : (int)tensors[i].Shape[0];
            _weights.Add(tensors[i].Name, new WeightSource(
                tensors[i].Name, type, (nint)(_memory.Address + ((long)Offset * i * type.ElementSize())), rows, (int)tensors[i].Shape[^1]));
        }
    }

    /// <summary>Llama-3-8B's dimensions.</summary>
    public static Shape Eight { get; } = new("8b", 32, 4096, 14336, 32, 8, 128, 128256);

    /// <summary>Its dimensions.</summary>
    public Shape Shape { get; }

    /// <summary>The decoder.</summary>
    public DecoderDescription Description { get; }

    /// <summary>Bytes of all weights, as the backend takes them.</summary>
    public long Bytes => _weights.Values.Sum(weight =>
        (((long)weight.Rows * weight.Columns * (weight.Rows == 1 ? sizeof(float) : weight.Type.ElementSize())) + 255) & ~255L);

    /// <summary>Weights that a row is multiplied by: all but norms, and the embedding only where it is the head too.</summary>
    public long Multiplied => _weights.Values.Where(weight => weight.Rows > 1).Sum(weight => (long)weight.Rows * weight.Columns)
        - (Description.TiedEmbeddings ? 0 : (long)Shape.Vocabulary * Shape.Hidden);

    /// <summary>The shape that the command line calls by a name.</summary>
    public static Shape Find(string name) => name == Eight.Name ? Eight : Shape.Find(name)!;

    /// <summary>Puts the weights on a backend.</summary>
    public DecoderWeights Load(IBackend backend)
    {
        backend.ReserveWeights(Bytes);
        return DecoderLoader.Load(Description, TargetModule.Of(Description), name => _weights[name], backend, static _ => { });
    }

    public void Dispose() => _memory.Dispose();
}
