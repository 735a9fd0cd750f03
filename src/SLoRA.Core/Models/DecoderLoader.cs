using System.Collections.Immutable;
using SLoRA.Backends;

namespace SLoRA.Models;

/// <summary>Puts the weights of a checkpoint on a backend, in the groups in which the decoder uses them.</summary>
internal sealed class DecoderLoader
{
    private readonly DecoderDescription _description;
    private readonly Func<string, WeightSource> _source;
    private readonly IBackend _backend;
    private readonly Action<WeightSource> _loaded;
    private readonly ImmutableDictionary<string, int> _targets;
    private readonly Dictionary<RopeDescription, DeviceRope> _ropes = new(ReferenceEqualityComparer.Instance);

    private DecoderLoader(
        DecoderDescription description,
        ImmutableArray<TargetModule> targets,
        Func<string, WeightSource> source,
        IBackend backend,
        Action<WeightSource> loaded)
    {
        _description = description;
        _source = source;
        _backend = backend;
        _loaded = loaded;
        _targets = targets.ToImmutableDictionary(target => target.Name, target => target.Index);
    }

    /// <summary>Loads every weight.</summary>
    /// <param name="description">The decoder; the checkpoint has been checked against it.</param>
    /// <param name="targets">Its target modules.</param>
    /// <param name="source">Tensor name → its bytes.</param>
    /// <param name="backend">Where the weights go.</param>
    /// <param name="loaded">Called after each weight, for progress; may throw to cancel.</param>
    public static DecoderWeights Load(
        DecoderDescription description,
        ImmutableArray<TargetModule> targets,
        Func<string, WeightSource> source,
        IBackend backend,
        Action<WeightSource> loaded) =>
        new DecoderLoader(description, targets, source, backend, loaded).Load();

    private DecoderWeights Load()
    {
        var layers = ImmutableArray.CreateBuilder<LayerWeights>(_description.Layers.Length);
        for (int i = 0; i < _description.Layers.Length; i++)
        {
            layers.Add(Layer(i, _description.Layers[i]));
        }

        WeightSource table = _source(ModuleNames.Embedding + ".weight");
        DeviceTable deviceTable = _backend.LoadTable(table);
        _loaded(table);
        return new DecoderWeights
        {
            Embedding = deviceTable,
            EmbeddingTarget = _targets[ModuleNames.Embedding],
            Layers = layers.MoveToImmutable(),
            FinalNorm = Norm(ModuleNames.FinalNorm),
            Head = new LinearGroup(Part(ModuleNames.Head, _description.TiedEmbeddings ? ModuleNames.Embedding : ModuleNames.Head, bias: false)),
        };
    }

    private LayerWeights Layer(int index, LayerDescription layer)
    {
        AttentionDescription attention = layer.Attention;
        bool qkvBias = attention.QkvBias;
        bool mlpBias = layer.Mlp.Bias;
        return new LayerWeights
        {
            AttentionNorm = Norm(ModuleNames.AttentionNorm(index)),
            Qkv = new LinearGroup(
                Part(ModuleNames.Query(index), qkvBias), Part(ModuleNames.Key(index), qkvBias), Part(ModuleNames.Value(index), qkvBias)),
            QueryNorm = attention.QueryKeyNorm ? Norm(ModuleNames.QueryNorm(index)) : null,
            KeyNorm = attention.QueryKeyNorm ? Norm(ModuleNames.KeyNorm(index)) : null,
            Rope = Rope(attention.Rope),
            Output = new LinearGroup(Part(ModuleNames.Output(index), attention.OutputBias)),
            MlpNorm = Norm(ModuleNames.MlpNorm(index)),
            GateUp = new LinearGroup(Part(ModuleNames.Gate(index), mlpBias), Part(ModuleNames.Up(index), mlpBias)),
            Down = new LinearGroup(Part(ModuleNames.Down(index), mlpBias)),
        };
    }

    private LinearPart Part(string module, bool bias) => Part(module, module, bias);

    private LinearPart Part(string module, string tensor, bool bias)
    {
        WeightSource weight = _source(tensor + ".weight");
        DeviceMatrix matrix = _backend.LoadMatrix(weight);
        _loaded(weight);
        return new LinearPart(matrix, bias ? Vector(tensor + ".bias") : null, _targets[module]);
    }

    private DeviceVector Norm(string module) => Vector(module + ".weight");

    private DeviceVector Vector(string tensor)
    {
        WeightSource source = _source(tensor);
        DeviceVector vector = _backend.LoadVector(source);
        _loaded(source);
        return vector;
    }

    private DeviceRope Rope(RopeDescription description)
    {
        if (!_ropes.TryGetValue(description, out DeviceRope? rope))
        {
            rope = _backend.CreateRope(description);
            _ropes.Add(description, rope);
        }

        return rope;
    }
}
