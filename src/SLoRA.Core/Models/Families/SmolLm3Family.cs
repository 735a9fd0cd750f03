using System.Collections.Immutable;
using SLoRA.Formats;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Models.Families;

/// <summary>SmolLM3ForCausalLM: Llama in which every fourth layer, or those that the file says, have no rotation.</summary>
internal static class SmolLm3Family
{
    private const int DefaultKeyValueHeads = 4;
    private const int DefaultContext = 32768;
    private const int DefaultInterval = 4;
    private const double DefaultTheta = 2e6;

    public static DecoderFamily Family { get; } = new("SmolLM3ForCausalLM", "smollm3", Describe)
    {
        Reads = ["no_rope_layers", "no_rope_layer_interval"],
    };

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = DenseConfig.Read(config, keyValueHeads: DefaultKeyValueHeads, context: DefaultContext);
        dense = dense with { RopeLayout = dense.RopeLayout with { Theta = DefaultTheta } };
        bool bias = config.Bool("attention_bias", false);
        GatedMlpBlock mlp = dense.Mlp() with { Bias = config.Bool("mlp_bias", false) };
        ImmutableArray<bool> rotates = RotatedLayers(config, dense.Layers);
        int? window = config.Bool("use_sliding_window", false) ? config.OptionalInt("sliding_window", 1, int.MaxValue) : null;
        ImmutableArray<bool> slides = LayerTypes.Read(config, dense.Layers)
            ?? [.. rotates.Select(turns => window is not null && !turns)];
        if (window is null)
        {
            LayerTypes.RequireAll(config, dense.Layers, sliding: false);
        }

        NormModule first = dense.Norm("input_layernorm"), second = dense.Norm("post_attention_layernorm");
        return dense.Decoder(
            Family.Architecture,
            Enumerable.Range(0, dense.Layers).Select(layer => new LayerDescription(
                new Branch(first, dense.Attention(slides[layer] ? window : null, qkvBias: bias, outputBias: bias) with
                {
                    Rope = rotates[layer] ? dense.Rope : RopeDescription.None,
                }),
                new Branch(second, mlp))),
            tied: true);
    }

    private static ImmutableArray<bool> RotatedLayers(ConfigObject config, int layers)
    {
        const string Key = "no_rope_layers";
        if (config.OptionalIntOrInts(Key, 0, 1) is not { } listed)
        {
            int interval = config.OptionalInt("no_rope_layer_interval", 1, int.MaxValue) ?? DefaultInterval;
            return [.. Enumerable.Range(0, layers).Select(layer => (layer + 1) % interval != 0)];
        }

        return listed.Length == layers
            ? [.. listed.Select(rotates => rotates == 1)]
            : throw config.Error(Key, $"has {listed.Length} entries, num_hidden_layers is {layers}");
    }
}
