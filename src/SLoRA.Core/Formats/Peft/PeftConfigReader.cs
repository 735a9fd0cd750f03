using System.Collections.Immutable;
using System.Text.Json;
using SLoRA.Errors;

namespace SLoRA.Formats.Peft;

/// <summary>Turns an adapter_config.json into a <see cref="PeftConfig"/>, or refuses it by the name of the option at fault.</summary>
internal static class PeftConfigReader
{
    /// <summary>The largest rank that is read: no model has a matrix of more rows or columns besides the vocabulary.</summary>
    public const int LargestRank = 1 << 16;

    // A model of 1000 layers with a name or a pattern for each module has fewer.
    private const int MostEntries = 1 << 14;

    // The scale is alpha divided by 1 or more, and must be finite in fp32.
    private const double LargestAlpha = float.MaxValue;

    /// <summary>Reads and checks a configuration.</summary>
    /// <exception cref="FormatError">
    /// It does not say what it must (kind <see cref="LoadErrorKind.Config"/>), or describes what is not served
    /// (kind <see cref="LoadErrorKind.Incompatible"/>).
    /// </exception>
    public static PeftConfig Read(ConfigObject json)
    {
        CheckMethod(json);
        CheckOptions(json);
        var config = new PeftConfig
        {
            File = json.File,
            Rank = json.Int("r", 1, LargestRank),
            Alpha = json.Number("lora_alpha", -LargestAlpha, LargestAlpha),
            UseRsLora = json.Bool("use_rslora", false),
            RankPattern = Pattern(json, "rank_pattern", (pattern, key) => pattern.Int(key, 1, LargestRank)),
            AlphaPattern = Pattern(json, "alpha_pattern", (pattern, key) => pattern.Number(key, -LargestAlpha, LargestAlpha)),
            TargetModules = Names(json, "target_modules"),
            ExcludeModules = json.IsOn("exclude_modules") ? Names(json, "exclude_modules") : null,
            LayersToTransform = Bounded(json, "layers_to_transform", json.OptionalIntOrInts("layers_to_transform", 0, int.MaxValue) ?? []),
            LayersPattern = LayersPattern(json),
            TargetParameters =
                json.IsOn("target_parameters") ? Bounded(json, "target_parameters", json.OptionalStrings("target_parameters")!.Value) : [],
            PeftVersion = Numbers(json.OptionalString("peft_version")),
            UseDora = json.Bool("use_dora", false),
            Bias = Bias(json),
            LoraBias = json.Bool("lora_bias", false),
            ModulesToSave = json.IsOn("modules_to_save")
                ? Bounded(json, "modules_to_save", json.OptionalStrings("modules_to_save")!.Value)
                : [],
            TrainableTokens = TrainableTokens(json),
            InvocationTokens = InvocationTokens(json),
            EnsureWeightTying = json.Bool("ensure_weight_tying", false),
        };
        json.OptionalNumber("lora_dropout", 0, 1);
        CheckTargets(json, config);
        CheckKinds(json, config);
        return config;
    }

    private static void CheckMethod(ConfigObject json)
    {
        if (!json.Has("peft_type"))
        {
            CheckOtherTrainers(json);
        }

        string method = json.String("peft_type");
        if (method != PeftMethods.Served)
        {
            throw json.Refusal("peft_type", PeftMethods.Problem(method));
        }

        if (json.OptionalString("task_type") is { Length: > 0 } task && task != "CAUSAL_LM")
        {
            throw PeftOptions.Tasks.Contains(task)
                ? json.Refusal("task_type", $"is {task}; only adapters of a CAUSAL_LM are served")
                : json.Error("task_type", $"is {Shown.Name(task)}, which is no task of PEFT");
        }
    }

    // Configurations of the same name, or given in its place, that are none of PEFT's.
    private static void CheckOtherTrainers(ConfigObject json)
    {
        foreach (string key in (string[])["lora_parameters", "fine_tune_type"])
        {
            if (json.Has(key))
            {
                throw json.Refusal(key, "is an option of MLX, whose tensors are read from adapters.safetensors, where that is the only "
                    + "file of tensors in the folder");
            }
        }

        if (json.Has("architectures"))
        {
            throw json.Refusal("architectures", "is an option of a model's configuration; an adapter's has peft_type, r and lora_alpha");
        }
    }

    private static void CheckOptions(ConfigObject json)
    {
        foreach (string key in json.Keys)
        {
            if (PeftOptions.Refused.TryGetValue(key, out string? reason) && json.IsOn(key))
            {
                throw json.Refusal(key, $"is {json.Shown(key)}: it {reason}, which is not served");
            }
        }

        CheckStart(json);
        foreach (string key in json.Keys)
        {
            if (!PeftOptions.IsKnown(key) && json.IsOn(key))
            {
                throw json.Error(
                    key, $"is {json.Shown(key)}: an option that is not known here, and might change what the adapter computes");
            }
        }
    }

    private static PeftBias Bias(ConfigObject json) => json.OptionalString("bias") switch
    {
        null or "none" => PeftBias.None,
        "all" => PeftBias.All,
        "lora_only" => PeftBias.LoraOnly,
        _ => throw json.Error("bias", $"is {json.Shown("bias")}, expected none, all or lora_only"),
    };

    /// <summary>A list of tokens is for the embedding; an object has a list for each of its modules.</summary>
    private static ImmutableArray<KeyValuePair<string?, ImmutableArray<int>>> TrainableTokens(ConfigObject json)
    {
        const string Key = "trainable_token_indices";
        if (!json.IsOn(Key))
        {
            return [];
        }

        return json.KindOf(Key) == JsonValueKind.Object
            ? Bounded(json, Key, [.. json.OptionalObject(Key)!.Keys
                .Select(name => KeyValuePair.Create((string?)name, Tokens(json.OptionalObject(Key)!, name)))])
            : [KeyValuePair.Create((string?)null, Tokens(json, Key))];
    }

    private static ImmutableArray<int> Tokens(ConfigObject json, string key)
    {
        ImmutableArray<int> tokens = json.OptionalIntOrInts(key, 0, int.MaxValue) ?? [];
        if (tokens.IsEmpty || json.KindOf(key) != JsonValueKind.Array)
        {
            throw json.Error(key, $"is {json.Shown(key)}, expected a list of tokens");
        }

        return tokens.Distinct().Count() == tokens.Length ? tokens : throw json.Error(key, $"is {json.Shown(key)} and names a token twice");
    }

    private static ImmutableArray<int> InvocationTokens(ConfigObject json)
    {
        const string Key = "alora_invocation_tokens";
        if (!json.IsOn(Key))
        {
            return [];
        }

        return json.KindOf(Key) == JsonValueKind.Array
            ? Bounded(json, Key, json.OptionalIntOrInts(Key, 0, int.MaxValue)!.Value)
            : throw json.Error(Key, $"is {json.Shown(Key)}, expected a list of tokens");
    }

    /// <summary>Kinds that PEFT does not combine, or whose combination it computes otherwise than it says.</summary>
    private static void CheckKinds(ConfigObject json, PeftConfig config)
    {
        if (config is { UseDora: true, LoraBias: true })
        {
            throw json.Error("lora_bias", "is true together with use_dora, which PEFT does not allow");
        }

        if (config.InvocationTokens.IsEmpty)
        {
            return;
        }

        string? other = config.UseDora ? "use_dora" : config.Bias != PeftBias.None ? "bias"
            : !config.ModulesToSave.IsEmpty ? "modules_to_save" : !config.TrainableTokens.IsEmpty ? "trainable_token_indices" : null;
        if (other is not null)
        {
            throw json.Refusal("alora_invocation_tokens",
                $"is {json.Shown("alora_invocation_tokens")} together with {other}, which acts on every token: before the invocation there "
                    + "would not be the base model");
        }
    }

    private static void CheckStart(ConfigObject json)
    {
        const string Key = "init_lora_weights";
        switch (json.KindOf(Key))
        {
            case JsonValueKind.Null or JsonValueKind.True or JsonValueKind.False:
                return;
            case JsonValueKind.String:
                if (!PeftOptions.HarmlessStarts.Contains(json.String(Key).ToLowerInvariant()))
                {
                    throw json.Refusal(
                        Key, $"is {json.Shown(Key)}: such an adapter belongs to changed base weights, unless it is converted when it is "
                            + $"saved");
                }

                return;
            default:
                throw json.Error(Key, $"is {json.Shown(Key)}, expected true, false or a name");
        }
    }

    private static PeftConfig.NamePattern? Names(ConfigObject json, string key)
    {
        if (!json.Has(key))
        {
            return null;
        }

        if (!json.IsOn(key))
        {
            throw json.Error(key, $"is {json.Shown(key)} and names nothing");
        }

        return json.KindOf(key) == JsonValueKind.String
            ? new PeftConfig.NamePattern(json.String(key), [])
            : new PeftConfig.NamePattern(null, Bounded(json, key, json.OptionalStrings(key)!.Value));
    }

    /// <summary>The numbers that a version begins with, such as 0.19.1 of 0.19.1.dev0; null if there are not at least two.</summary>
    private static Version? Numbers(string? version)
    {
        string[] parts = (version ?? "").Split('.');
        int numbers = parts.TakeWhile(part => part.Length is > 0 and < 9 && part.All(char.IsAsciiDigit)).Count();
        return numbers < 2 ? null : Version.Parse(string.Join('.', parts.Take(Math.Min(numbers, 3))));
    }

    private static ImmutableArray<string> LayersPattern(ConfigObject json)
    {
        const string Key = "layers_pattern";
        return !json.IsOn(Key) ? [] : json.KindOf(Key) == JsonValueKind.String
            ? [json.String(Key)]
            : Bounded(json, Key, json.OptionalStrings(Key)!.Value);
    }

    private static ImmutableArray<KeyValuePair<string, T>> Pattern<T>(ConfigObject json, string key, Func<ConfigObject, string, T> value)
    {
        ConfigObject? pattern = json.OptionalObject(key);
        return pattern is null ? [] : Bounded(json, key, [.. pattern.Keys.Select(name => KeyValuePair.Create(name, value(pattern, name)))]);
    }

    private static ImmutableArray<T> Bounded<T>(ConfigObject json, string key, ImmutableArray<T> entries) => entries.Length <= MostEntries
        ? entries
        : throw json.Error(key, $"has {entries.Length} entries; {MostEntries} are read");

    private static void CheckTargets(ConfigObject json, PeftConfig config)
    {
        if (config.TargetModules is { Expression: not null })
        {
            foreach (string key in (string[])["layers_to_transform", "layers_pattern"])
            {
                if (json.Has(key))
                {
                    throw json.Error(key, "cannot be used together with target_modules that are a regular expression");
                }
            }
        }

        if (!config.LayersPattern.IsEmpty && !json.Has("layers_to_transform"))
        {
            throw json.Error("layers_pattern", "has no meaning without layers_to_transform");
        }
    }
}
