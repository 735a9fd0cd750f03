using System.Collections.Immutable;
using SLoRA.Errors;
using SLoRA.Formats;

namespace SLoRA.Models.Families;

/// <summary>Which layers have a sliding window: <c>layer_types</c> where the file has it, otherwise the family's own rule.</summary>
internal static class LayerTypes
{
    private const string Key = "layer_types";
    private const string Pattern = "sliding_window_pattern";

    /// <summary>Whether each layer slides, as the file says it; null if it does not say.</summary>
    public static ImmutableArray<bool>? Read(ConfigObject config, int layers)
    {
        if (config.OptionalStrings(Key) is not { } types)
        {
            return null;
        }

        if (types.Length != layers)
        {
            throw config.Error(Key, $"has {types.Length} entries, num_hidden_layers is {layers}");
        }

        return
        [
            .. types.Select(type => type switch
            {
                "sliding_attention" => true,
                "full_attention" => false,
                _ => throw config.Refusal(Key, $"has {Shown.Name(type)}; served are 'full_attention' and 'sliding_attention'"),
            }),
        ];
    }

    /// <summary>Layers 0, 2, 4, … slide.</summary>
    public static ImmutableArray<bool> EveryOther(int layers) => [.. Enumerable.Range(0, layers).Select(layer => layer % 2 == 0)];

    /// <summary>
    /// Every n-th layer is full and the others slide, n being <c>sliding_window_pattern</c> (as files of transformers 5 have it,
    /// <c>_sliding_window_pattern</c>).
    /// </summary>
    public static ImmutableArray<bool> FullEvery(ConfigObject config, int layers, int otherwise)
    {
        int pattern = config.OptionalInt(Pattern, 1, int.MaxValue) ?? config.OptionalInt("_" + Pattern, 1, int.MaxValue) ?? otherwise;
        return FullEvery(layers, pattern);
    }

    /// <summary>Every n-th layer is full and the others slide.</summary>
    public static ImmutableArray<bool> FullEvery(int layers, int pattern) =>
        [.. Enumerable.Range(0, layers).Select(layer => (layer + 1) % pattern != 0)];

    /// <summary>For a family whose layers are all alike: refuses a file that says otherwise.</summary>
    public static void RequireAll(ConfigObject config, int layers, bool sliding)
    {
        if (Read(config, layers) is { } types && types.Contains(!sliding))
        {
            throw config.Refusal(Key, sliding
                ? "has a full layer; this architecture has its window on all layers"
                : "has a sliding layer, but no window is set for it");
        }
    }
}
