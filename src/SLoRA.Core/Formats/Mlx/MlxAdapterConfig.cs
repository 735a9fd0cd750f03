using System.Collections.Frozen;
using System.Collections.Immutable;
using SLoRA.Errors;
using SLoRA.Formats.Peft;

namespace SLoRA.Formats.Mlx;

/// <summary>
/// Configuration and tensors of an adapter of MLX in the terms of PEFT: each matrix by module and role, and a configuration that targets
/// what MLX would train: the modules that <c>keys</c> names in the last layers, or whichever the file has there.
/// </summary>
internal sealed class MlxAdapterConfig
{
    /// <summary>The file of the tensors.</summary>
    public const string TensorFile = "adapters.safetensors";

    // Tensors of experts become one for each; a model of 60 layers of 256 experts has some 90000.
    private const int MostTensors = 1 << 17;

    private readonly MlxConfig _config;
    private readonly string _file;
    private readonly int _firstLayer;
    private readonly FrozenSet<string>? _keys;
    private readonly MlxBase _model;

    private MlxAdapterConfig(MlxConfig config, string file, MlxBase model)
    {
        _config = config;
        _file = file;
        _model = model;
        _keys = config.Keys?.ToFrozenSet(StringComparer.Ordinal);
        _firstLayer = config.LastLayers == 0 ? 0 : model.Layers - config.LastLayers;
    }

    /// <summary>What the adapter computes.</summary>
    public PeftConfig Config { get; private set; } = null!;

    /// <summary>Its matrices, in the order of their bytes.</summary>
    public ImmutableArray<MlxTensor> Tensors { get; private set; }

    /// <summary>Reads what belongs together.</summary>
    /// <param name="json">The configuration.</param>
    /// <param name="file">The name that errors call the file of the tensors by.</param>
    /// <param name="tensors">The tensors.</param>
    /// <param name="model">The base model.</param>
    /// <param name="pause">Called before each tensor, so that others can work meanwhile; null for nobody.</param>
    /// <exception cref="FormatError">It is broken, or not served.</exception>
    public static MlxAdapterConfig Read(
        ConfigObject json, string file, ImmutableArray<TensorEntry> tensors, MlxBase model, Action? pause)
    {
        if (model.FoldsFactors)
        {
            throw new FormatError(LoadErrorKind.Incompatible, file, null,
                $"is of MLX, which multiplies factors into the weights of a {model.Class}: its adapters are for those weights");
        }

        MlxConfig config = MlxConfig.Of(json);
        if (config.LastLayers > model.Layers)
        {
            throw json.Refusal("num_layers", $"is {config.LastLayers}, the model has {model.Layers} layers");
        }

        var read = new MlxAdapterConfig(config, file, model);
        read.Add(tensors, pause);
        return read;
    }

    private void Add(ImmutableArray<TensorEntry> stored, Action? pause)
    {
        var apart = new MlxTensors(_file, _config, _model);
        var tensors = ImmutableArray.CreateBuilder<MlxTensor>();
        foreach (TensorEntry tensor in stored)
        {
            pause?.Invoke();
            IEnumerable<MlxTensor> made = apart.Of(tensor);
            CheckPlace(tensor, MlxTensors.ModuleOf(tensor));
            AddUpTo(tensors, made, tensor);
        }

        int before = tensors.Count;
        AddUpTo(tensors, apart.OfSeveral(), stored[^1]);
        bool areJoined = tensors.Count > before;
        HashSet<string> targets = [.. tensors.Select(tensor => MlxPlace.Of(tensor.Key.Module).End)];
        AddExpected(targets, apart.MostExperts, pause);
        Tensors = [.. tensors.OrderBy(tensor => tensor.Entry.Begin)];
        Config = new PeftConfig
        {
            File = _config.File,
            Rank = _config.Rank,
            // What the file has and the model lacks is refused by its own name.
            Ranks = FrozenDictionary<string, int>.Empty,
            RankPattern = areJoined ? [KeyValuePair.Create($@"experts\.\d+\.{_model.Experts!.Gate}", 2 * _config.Rank)] : [],
            Alpha = _config.Rank,
            OwnScale = _config.Scale,
            UseDora = _config.UseDora,
            TargetModules = new PeftConfig.NamePattern(null, [.. targets]),
        };
    }

    private void AddUpTo(ImmutableArray<MlxTensor>.Builder tensors, IEnumerable<MlxTensor> made, TensorEntry tensor)
    {
        foreach (MlxTensor one in made)
        {
            tensors.Add(one);
            if (tensors.Count > MostTensors)
            {
                throw new FormatError(LoadErrorKind.Tensor, _file, tensor.Name, $"makes more than {MostTensors} matrices of experts");
            }
        }
    }

    private void CheckPlace(TensorEntry tensor, string module)
    {
        var place = MlxPlace.Of(module);
        if (_keys?.Contains(module) == true)
        {
            return;
        }

        if (place.Layer < _firstLayer)
        {
            throw new FormatError(LoadErrorKind.Tensor, _file, tensor.Name,
                $"is in layer {place.Layer}; the configuration trains the last {_config.LastLayers}, which begin with layer {_firstLayer}");
        }

        if (place.Layer >= _model.Layers)
        {
            throw new FormatError(LoadErrorKind.Incompatible, _file, tensor.Name,
                $"belongs to no module of the base model, which has {_model.Layers} layers");
        }

        if (place.Layer is null || _keys?.Contains(place.Name) == false)
        {
            throw new FormatError(LoadErrorKind.Tensor, _file, tensor.Name,
                $"is for {Shown.Name(module)}, which the configuration (keys) does not name");
        }
    }

    /// <summary>Adds the modules that must have tensors if the model has them.</summary>
    private void AddExpected(HashSet<string> targets, int experts, Action? pause)
    {
        foreach (string key in _config.Keys ?? [])
        {
            if (_model.IsEnd(key))
            {
                targets.Add(MlxPlace.Of(key).End);
            }

            for (int layer = _firstLayer; layer < _model.Layers; layer++)
            {
                pause?.Invoke();
                string prefix = FormattableString.Invariant($"layers.{layer}.");
                targets.UnionWith(_model.Experts?.PartOf(key) is { } part
                    ? Enumerable.Range(0, Math.Max(1, experts)).Select(expert => _model.Experts.Module(prefix, part, expert))
                    : [prefix + key]);
                if (targets.Count > MostTensors)
                {
                    throw new FormatError(LoadErrorKind.Config, _config.File, "lora_parameters.keys",
                        $"names more than {MostTensors} modules");
                }
            }
        }
    }
}
