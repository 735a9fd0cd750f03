using System.Collections.Immutable;
using System.Text.Json;
using SLoRA.Formats;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Models.Families;

/// <summary>
/// Exaone4ForCausalLM: norms behind the blocks, norms of query and key heads; where there is a window, full layers do not rotate.
/// </summary>
internal static class Exaone4Family
{
    private const string Pattern = "sliding_window_pattern";
    private const int DefaultKeyValueHeads = 32;
    private const int DefaultContext = 2048;
    private const int DefaultWindow = 4096;
    private const int DefaultPattern = 4;
    private const double DefaultEpsilon = 1e-5;

    public static DecoderFamily Family { get; } = new("Exaone4ForCausalLM", "exaone4", Describe) { Reads = [Pattern] };

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = DenseConfig.Read(
            config, keyValueHeads: DefaultKeyValueHeads, context: DefaultContext, epsilon: DefaultEpsilon);
        UnservedFeatures.RefuseIfOn(config, "attention_bias", "mlp_bias");
        int? window = config.Names("sliding_window") ? config.OptionalInt("sliding_window", 1, int.MaxValue) : DefaultWindow;
        GatedMlpBlock mlp = dense.Mlp();
        return dense.Decoder(Family.Architecture, Slides(config, dense.Layers, window).Select(slides => Olmo2Family.Layer(
            dense,
            dense.Attention(slides ? window : null, queryKeyNorm: true) with
            {
                Rope = window is null || slides ? dense.Rope : RopeDescription.None,
            },
            mlp)));
    }

    private static ImmutableArray<bool> Slides(ConfigObject config, int layers, int? window)
    {
        if (window is null)
        {
            LayerTypes.RequireAll(config, layers, sliding: false);
            return [.. Enumerable.Repeat(false, layers)];
        }

        if (LayerTypes.Read(config, layers) is { } types)
        {
            return types;
        }

        return config.Names(Pattern) && config.KindOf(Pattern) != JsonValueKind.Number
            ? throw config.Refusal(Pattern, $"is {config.Shown(Pattern)} in a file without layer_types, which would decide")
            : LayerTypes.FullEvery(config, layers, DefaultPattern);
    }
}
