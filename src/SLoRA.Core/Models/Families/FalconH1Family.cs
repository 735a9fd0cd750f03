using System.Collections.Immutable;
using SLoRA.Formats;
using SLoRA.Models.Blocks;

namespace SLoRA.Models.Families;

/// <summary>
/// FalconH1ForCausalLM: Mamba-2 and attention side by side in every layer, with multipliers nearly everywhere. Those of attention's input
/// and of keys go into the scale of scores, and those that its values and its result share into one behind it.
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

        // A bias would not be multiplied as what it is added to.
        UnservedFeatures.RefuseIfOn(config, "sliding_window", "attention_bias", "projectors_bias", "mamba_proj_bias");
        float into = Number(config, "attention_in_multiplier"), key = Number(config, "key_multiplier");
        AttentionBlock attention = dense.Attention();
        attention = attention with
        {
            Shape = attention.Shape with { ScoreScale = attention.Shape.ScoreScale * into * into * key },
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
            new Branch(null, Mamba(config, dense)) { Multiplier = Number(config, "ssm_out_multiplier") },
            new Branch(null, attention) { Multiplier = into * Number(config, "attention_out_multiplier") });
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

    private static MambaBlock Mamba(ConfigObject config, DenseConfig dense)
    {
        int width = !config.Names("mamba_d_ssm") ? DefaultWidth
            : config.OptionalInt("mamba_d_ssm", 1, Widest) ?? MambaConfig.Expanded(dense);
        float into = Number(config, "ssm_in_multiplier");
        ImmutableArray<float> parts = [.. Numbers(config, "ssm_multipliers", 5).Select(part => part * into)];
        return MambaConfig.Read(dense, width) with
        {
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
