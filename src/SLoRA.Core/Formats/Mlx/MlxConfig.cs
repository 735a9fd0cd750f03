using System.Collections.Immutable;
using SLoRA.Errors;
using SLoRA.Formats.Peft;

namespace SLoRA.Formats.Mlx;

/// <summary>
/// What an adapter_config.json of mlx-lm says about the function that its adapter computes. The file holds all options of the trainer;
/// those that are not read here say how it trained.
/// </summary>
/// <param name="File">The name that errors call the file by.</param>
/// <param name="UseDora">DoRA: every row of W + scale · B A is brought to a trained norm.</param>
/// <param name="LastLayers">How many of the last layers were trained; 0 for all.</param>
/// <param name="Rank">The rank of all modules.</param>
/// <param name="Scale">What multiplies B A, as it is.</param>
/// <param name="Keys">Names of modules within a layer, or in the whole model; null for all that the file has.</param>
internal sealed record MlxConfig(string File, bool UseDora, int LastLayers, int Rank, double Scale, ImmutableArray<string>? Keys)
{
    private const string Parameters = "lora_parameters";
    private const string Kind = "fine_tune_type";
    private const int MostLayers = 1 << 16;
    private const int MostKeys = 1 << 14;
    private const double LargestScale = float.MaxValue;

    private static readonly string[] Read = ["rank", "scale", "dropout", "keys", "alpha"];

    /// <summary>Whether it is the configuration of an adapter of MLX.</summary>
    public static bool IsOne(ConfigObject json) => !json.Has("peft_type") && (json.Has(Parameters) || json.Has(Kind));

    /// <summary>Reads and checks a configuration.</summary>
    /// <exception cref="FormatError">It does not say what it must, or describes what is not served.</exception>
    public static MlxConfig Of(ConfigObject json)
    {
        if (!IsOne(json))
        {
            throw json.Error(Parameters, "is missing, which mlx-lm writes beside its adapters.safetensors");
        }

        bool useDora = IsDora(json);
        ConfigObject parameters = json.OptionalObject(Parameters) ?? throw json.Error(Parameters, "is missing");
        CheckOptions(parameters);
        int rank = parameters.Int("rank", 1, PeftConfigReader.LargestRank);
        double scale = parameters.Number("scale", -LargestScale, LargestScale);
        if ((float)scale == 0)
        {
            throw parameters.Error("scale", "is 0, so the adapter would change nothing");
        }

        ImmutableArray<string>? keys = parameters.OptionalStrings("keys");
        if (keys is { Length: 0 or > MostKeys })
        {
            throw parameters.Error("keys", $"has {keys.Value.Length} names; 1 to {MostKeys} are read");
        }

        parameters.OptionalNumber("dropout", 0, 1);
        return new MlxConfig(json.File, useDora, LayersOf(json, parameters, rank), rank, scale, keys);
    }

    /// <summary>
    /// Versions that wrote lora_layers multiplied the scale by alpha / rank at first, and later left alpha in the file without using it.
    /// </summary>
    private static int LayersOf(ConfigObject json, ConfigObject parameters, int rank)
    {
        const string Name = "num_layers", OldName = "lora_layers";
        bool isOld = !json.Has(Name) && json.Has(OldName);
        return !isOld || !parameters.Has("alpha") || parameters.IsNumber("alpha", rank)
            ? Math.Max(0, json.Int(isOld ? OldName : Name, -1, MostLayers))
            : throw parameters.Refusal("alpha", "multiplied the scale in some of the versions of mlx-lm that wrote lora_layers, and not in "
                + "others: put the scale that is meant into scale, and leave alpha out");
    }

    private static bool IsDora(ConfigObject json)
    {
        // Before there was a name for it.
        bool useDora = json.Bool("use_dora", false);
        return json.OptionalString(Kind) switch
        {
            null => useDora,
            "lora" when !useDora => false,
            "dora" => true,
            "full" => throw json.Refusal(Kind, "is full: the file holds whole weights of another model, not an adapter's"),
            "lora" => throw json.Error("use_dora", "is true although fine_tune_type is lora"),
            { } other => throw json.Error(Kind, $"is {Shown.Name(other)}; lora and dora are served"),
        };
    }

    private static void CheckOptions(ConfigObject parameters)
    {
        foreach (string key in parameters.Keys)
        {
            if (!Read.Contains(key) && parameters.IsOn(key))
            {
                throw parameters.Error(
                    key, $"is {parameters.Shown(key)}: an option that is not known here, and might change what the adapter computes");
            }
        }
    }
}
