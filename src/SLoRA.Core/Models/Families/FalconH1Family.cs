using System.Collections.Immutable;
using SLoRA.Formats;
using SLoRA.Models.Blocks;

namespace SLoRA.Models.Families;

/// <summary>
/// FalconH1ForCausalLM: Mamba-2 and attention side by side in every layer, with multipliers nearly everywhere. That of keys goes into the
/// scale of scores.
/// </summary>
internal static class FalconH1Family
{
    private const int DefaultKeyValueHeads = 8;
    private const int DefaultContext = 8192;
    private const double DefaultEpsilon = 1e-5;
    private const int DefaultWidth = 1024;
    private const int Widest = 1 << 24;
    private const double Largest = 1e30;

    public static DecoderFamily Family { get; } = new("FalconH1ForCausalLM", "falcon_h1", Describe)
    {
        Reads = ["embedding_multiplier", "lm_head_multiplier"],
    };

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = DenseConfig.Read(
            config, keyValueHeads: DefaultKeyValueHeads, context: DefaultContext, epsilon: DefaultEpsilon);
        UnservedFeatures.RefuseIfOn(config, "sliding_window");
        bool bias = config.Bool("attention_bias", false);
        AttentionBlock attention = dense.Attention(qkvBias: bias, outputBias: bias);
        attention = attention with
        {
            Shape = attention.Shape with { ScoreScale = attention.Shape.ScoreScale * Number(config, "key_multiplier") },
        };
        ImmutableArray<float> ofMlp = Numbers(config, "mlp_multipliers", 2);
        GatedMlpBlock mlp = dense.Mlp() with
        {
            Name = "feed_forward",
            GateMultiplier = ofMlp[0],
            Bias = config.Bool("mlp_bias", false),
        };
        var mixers = new ParallelBlock(
            dense.Hidden,
            Mixer(config, dense, Mamba(config, dense), "ssm_in_multiplier", "ssm_out_multiplier"),
            Mixer(config, dense, attention, "attention_in_multiplier", "attention_out_multiplier"));
        var layer = new LayerDescription(
            new Branch(dense.Norm("input_layernorm"), mixers),
            new Branch(dense.Norm("pre_ff_layernorm"), mlp) { Multiplier = ofMlp[1] });
        return dense.Decoder(Family.Architecture, Enumerable.Repeat(layer, dense.Layers)) with
        {
            FinalNorm = dense.Norm("final_layernorm"),
            EmbeddingMultiplier = Number(config, "embedding_multiplier"),
            LogitMultiplier = Number(config, "lm_head_multiplier"),
        };
    }

    private static Branch Mixer(ConfigObject config, DenseConfig dense, Block block, string into, string outOf) =>
        new(null, ScaledInputBlock.Of(dense.Hidden, Number(config, into), block)) { Multiplier = Number(config, outOf) };

    private static MambaBlock Mamba(ConfigObject config, DenseConfig dense)
    {
        int width = !config.Names("mamba_d_ssm") ? DefaultWidth
            : config.OptionalInt("mamba_d_ssm", 1, Widest) ?? MambaConfig.Expanded(dense);
        ImmutableArray<float> parts = Numbers(config, "ssm_multipliers", 5);
        return MambaConfig.Read(dense, width) with
        {
            OutputBias = config.Bool("projectors_bias", false),
            NormEpsilon = config.Bool("mamba_rms_norm", false) ? dense.NormEpsilon : null,
            GatesBehindNorm = config.Bool("mamba_norm_before_gate", true),
            Multipliers = new MambaMultipliers(parts[0], parts[1], parts[2], parts[3], parts[4]),
        };
    }

    private static float Number(ConfigObject config, string key) => (float)(config.OptionalNumber(key, -Largest, Largest) ?? 1);

    private static ImmutableArray<float> Numbers(ConfigObject config, string key, int count)
    {
        ImmutableArray<double> numbers = config.OptionalNumbers(key, -Largest, Largest) ?? [.. Enumerable.Repeat(1.0, count)];
        return numbers.Length == count
            ? [.. numbers.Select(number => (float)number)]
            : throw config.Error(key, $"has {numbers.Length} entries, expected {count}");
    }
}
