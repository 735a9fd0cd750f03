using System.Collections.Immutable;

namespace SLoRA.Formats.HuggingFace;

/// <summary>What a model's authors say about generating with it. Null where they say nothing.</summary>
internal sealed record GenerationDefaults
{
    // Settings that change the output and that requests cannot ask for yet, each with the value at which it changes nothing.
    private static readonly (string Key, double? Neutral)[] Others =
    [
        ("repetition_penalty", 1), ("min_p", 0), ("typical_p", 1), ("epsilon_cutoff", 0), ("eta_cutoff", 0), ("num_beams", 1),
        ("no_repeat_ngram_size", 0), ("penalty_alpha", 0), ("guidance_scale", 1), ("min_length", 0), ("min_new_tokens", 0),
        ("bad_words_ids", null), ("suppress_tokens", null), ("begin_suppress_tokens", null), ("forced_bos_token_id", null), ("forced_eos_token_id", null),
    ];

    /// <summary>The tokens that end a sequence.</summary>
    public required ImmutableArray<int> EndOfSequence { get; init; }

    /// <summary>Whether to sample; false means greedy, whatever the other settings say.</summary>
    public bool? DoSample { get; init; }

    /// <summary>Above 0.</summary>
    public float? Temperature { get; init; }

    /// <summary>0 means off.</summary>
    public int? TopK { get; init; }

    /// <summary>0 to 1; 1 means off.</summary>
    public float? TopP { get; init; }

    /// <summary>Keys whose values ask for something that is not done.</summary>
    public ImmutableArray<string> NotApplied { get; init; } = [];

    /// <summary>For a folder without generation_config.json: config.json knows the end of a sequence, and nothing else.</summary>
    public static GenerationDefaults EndOnly(ConfigObject config) => new() { EndOfSequence = End(config) ?? [] };

    /// <summary>Reads generation_config.json.</summary>
    /// <param name="config">Its root.</param>
    /// <param name="end">The tokens that config.json ends with, for a file that names none.</param>
    public static GenerationDefaults Read(ConfigObject config, ImmutableArray<int> end) => new()
    {
        EndOfSequence = End(config) ?? end,
        DoSample = config.Has("do_sample") ? config.Bool("do_sample", false) : null,
        Temperature = (float?)config.OptionalNumber("temperature", 0, 1e6),
        TopK = config.OptionalInt("top_k", 0, int.MaxValue),
        TopP = (float?)config.OptionalNumber("top_p", 0, 1),
        NotApplied = [.. Others.Where(other => IsActive(config, other.Key, other.Neutral)).Select(other => other.Key)],
    };

    private static ImmutableArray<int>? End(ConfigObject config) => config.OptionalIntOrInts("eos_token_id", 0, int.MaxValue);

    private static bool IsActive(ConfigObject config, string key, double? neutral) =>
        config.Has(key) && !(neutral is { } value && config.IsNumber(key, value));
}
