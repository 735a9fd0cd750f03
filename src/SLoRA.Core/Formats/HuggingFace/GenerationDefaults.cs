using System.Collections.Immutable;

namespace SLoRA.Formats.HuggingFace;

/// <summary>
/// What a model's authors say about generating with it. Requests go by the tokens that end a sequence; how to choose tokens is each
/// request's own matter, and <see cref="ModelInfo.RecommendedSampling"/> takes what is recommended. What no request can ask for is told.
/// </summary>
internal sealed record GenerationDefaults
{
    // Settings that change the output and that requests cannot ask for, each with the value at which it changes nothing.
    private static readonly (string Key, double? Neutral)[] Others =
    [
        ("typical_p", 1), ("epsilon_cutoff", 0), ("eta_cutoff", 0), ("num_beams", 1), ("no_repeat_ngram_size", 0), ("penalty_alpha", 0),
        ("guidance_scale", 1),
        ("min_length", 0), ("min_new_tokens", 0), ("bad_words_ids", null), ("suppress_tokens", null), ("begin_suppress_tokens", null),
        ("forced_bos_token_id", null), ("forced_eos_token_id", null),
    ];

    /// <summary>The tokens that end a sequence.</summary>
    public required ImmutableArray<int> EndOfSequence { get; init; }

    /// <summary>How they recommend to choose tokens: greedily where they say nothing.</summary>
    public SamplingOptions Sampling { get; init; } = SamplingOptions.Greedy;

    /// <summary>Keys whose values ask for something that is not done.</summary>
    public ImmutableArray<string> NotApplied { get; init; } = [];

    /// <summary>For a folder without generation_config.json: config.json knows the end of a sequence, and nothing else.</summary>
    public static GenerationDefaults EndOnly(ConfigObject config) => new() { EndOfSequence = End(config) ?? [] };

    /// <summary>Reads generation_config.json.</summary>
    /// <param name="config">Its root.</param>
    /// <param name="end">The tokens that config.json ends with, for a file that names none.</param>
    public static GenerationDefaults Read(ConfigObject config, ImmutableArray<int> end)
    {
        var notApplied = new List<string>();
        SamplingOptions sampling = RecommendedSampling.Read(config, notApplied);
        notApplied.AddRange(Others.Where(other => IsActive(config, other.Key, other.Neutral)).Select(other => other.Key));
        return new GenerationDefaults { EndOfSequence = End(config) ?? end, Sampling = sampling, NotApplied = [.. notApplied] };
    }

    private static ImmutableArray<int>? End(ConfigObject config) => config.OptionalIntOrInts("eos_token_id", 0, int.MaxValue);

    private static bool IsActive(ConfigObject config, string key, double? neutral) =>
        config.Has(key) && !(neutral is { } value && config.IsNumber(key, value));
}
