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
    /// It does not say what it must (kind <see cref="LoadErrorKind.Config"/>), or describes something else than plain LoRA
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
        };
        json.OptionalNumber("lora_dropout", 0, 1);
        CheckTargets(json, config);
        return config;
    }

    private static void CheckMethod(ConfigObject json)
    {
        if (!json.Has("peft_type"))
        {
            CheckOtherTrainers(json);
        }

        string method = json.String("peft_type");
        if (method != "LORA")
        {
            throw json.Refusal("peft_type", $"is {Shown.Name(method)}; only LORA is served");
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
                throw json.Refusal(key, "is an option of MLX, whose adapters store their matrices transposed under other names; convert "
                    + "the adapter to PEFT's form");
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

        switch (json.OptionalString("bias"))
        {
            case null or "none":
                break;
            case "all" or "lora_only":
                throw json.Refusal("bias", $"is {json.Shown("bias")}: trained biases are not served");
            default:
                throw json.Error("bias", $"is {json.Shown("bias")}, expected none, all or lora_only");
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
