using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
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

    private const string Layers = "layers.";

    // Tensors of experts become one for each; a model of 60 layers of 256 experts has some 90000.
    private const int MostTensors = 1 << 17;

    private readonly MlxConfig _config;
    private readonly string _file;
    private readonly int _firstLayer;
    private readonly FrozenSet<string>? _keys;

    private MlxAdapterConfig(MlxConfig config, string file, int layers)
    {
        _config = config;
        _file = file;
        _keys = config.Keys?.ToFrozenSet(StringComparer.Ordinal);
        _firstLayer = config.LastLayers == 0 ? 0 : layers - config.LastLayers;
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

        var read = new MlxAdapterConfig(config, file, model.Layers);
        read.Add(tensors, model.Layers, pause);
        return read;
    }

    private void Add(ImmutableArray<TensorEntry> stored, int layers, Action? pause)
    {
        var tensors = ImmutableArray.CreateBuilder<MlxTensor>();
        var experts = new Dictionary<string, int>(StringComparer.Ordinal);
        var targets = new HashSet<string>(StringComparer.Ordinal);
        foreach (TensorEntry tensor in stored)
        {
            pause?.Invoke();
            int first = tensors.Count;
            tensors.AddRange(MlxTensor.Of(_file, tensor, _config));
            if (tensors.Count > MostTensors)
            {
                throw new FormatError(LoadErrorKind.Tensor, _file, tensor.Name, $"makes more than {MostTensors} matrices of experts");
            }

            string module = tensor.Name[..tensor.Name.LastIndexOf('.')];
            CheckPlace(tensor, module);
            experts[Within(module).Name] = tensors.Count - first;
            targets.UnionWith(tensors.Skip(first).Select(each => EndOf(each.Key.Module)));
        }

        AddExpected(targets, layers, experts, pause);

        Tensors = tensors.ToImmutable();
        Config = new PeftConfig
        {
            File = _config.File,
            Rank = _config.Rank,
            // What the file has and the model lacks is refused by its own name.
            Ranks = FrozenDictionary<string, int>.Empty,
            Alpha = _config.Rank,
            OwnScale = _config.Scale,
            UseDora = _config.UseDora,
            TargetModules = new PeftConfig.NamePattern(null, [.. targets]),
        };
    }

    private void CheckPlace(TensorEntry tensor, string module)
    {
        (int? layer, string name) = Within(module);
        if (_keys?.Contains(module) == true)
        {
            return;
        }

        if (layer < _firstLayer)
        {
            throw new FormatError(LoadErrorKind.Tensor, _file, tensor.Name,
                $"is in layer {layer}; the configuration trains the last {_config.LastLayers}, which begin with layer {_firstLayer}");
        }

        if (layer is null || _keys?.Contains(name) == false)
        {
            throw new FormatError(LoadErrorKind.Tensor, _file, tensor.Name,
                $"is for {Shown.Name(module)}, which the configuration (keys) does not name");
        }
    }

    /// <summary>Adds the modules that must have tensors if the model has them.</summary>
    private void AddExpected(HashSet<string> targets, int layers, Dictionary<string, int> experts, Action? pause)
    {
        foreach (string key in _config.Keys ?? [])
        {
            for (int layer = _firstLayer; layer < layers; layer++)
            {
                pause?.Invoke();
                string module = FormattableString.Invariant($"{Layers}{layer}.{key}");
                targets.UnionWith(MlxExperts.Of(module) is { } all
                    ? Enumerable.Range(0, experts.GetValueOrDefault(key, 1)).Select(all.Module)
                    : [module]);
                if (targets.Count > MostTensors)
                {
                    throw new FormatError(LoadErrorKind.Config, _config.File, "lora_parameters.keys",
                        $"names more than {MostTensors} modules");
                }
            }
        }
    }

    /// <summary>The layer of a module, and its name in it; the whole name if it is in none.</summary>
    private static (int? Layer, string Name) Within(string module)
    {
        string end = EndOf(module);
        if (end.StartsWith(Layers, StringComparison.Ordinal))
        {
            int dot = end.IndexOf('.', Layers.Length);
            if (dot > 0 && int.TryParse(end.AsSpan(Layers.Length..dot), NumberStyles.None,
                CultureInfo.InvariantCulture, out int layer))
            {
                return (layer, end[(dot + 1)..]);
            }
        }

        return (null, module);
    }

    /// <summary>The name from the layer on, which no wrapper changes; of what is in no layer, its last part.</summary>
    private static string EndOf(string module)
    {
        int at = module.StartsWith(Layers, StringComparison.Ordinal) ? 0 : module.IndexOf("." + Layers, StringComparison.Ordinal) + 1;
        return at > 0 || module.StartsWith(Layers, StringComparison.Ordinal) ? module[at..] : module[(module.LastIndexOf('.') + 1)..];
    }
}
