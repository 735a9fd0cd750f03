using SLoRA.Formats;
using SLoRA.Models.Blocks;

namespace SLoRA.Models.Families;

/// <summary>GraniteForCausalLM: Llama with multipliers of embeddings, residual branches and scores, and a divisor of logits.</summary>
internal static class GraniteFamily
{
    private const int DefaultContext = 2048;
    private const double Largest = 1e30;

    public static DecoderFamily Family { get; } = new("GraniteForCausalLM", "granite", Describe)
    {
        Reads = [.. Multipliers],
    };

    /// <summary>Keys of <see cref="UnservedFeatures"/> that all models with these multipliers honour.</summary>
    public static string[] Multipliers => ["embedding_multiplier", "residual_multiplier", "attention_multiplier", "logits_scaling"];

    /// <summary>A multiplier; 1 where the file does not say.</summary>
    public static float Multiplier(ConfigObject config, string key) => (float)(config.OptionalNumber(key, -Largest, Largest) ?? 1);

    /// <summary>The decoder with the multiplier of embeddings and the divisor of logits.</summary>
    public static DecoderDescription WithMultipliers(ConfigObject config, DecoderDescription decoder) => decoder with
    {
        EmbeddingMultiplier = Multiplier(config, "embedding_multiplier"),
        LogitMultiplier = 1 / (float)(config.OptionalNumber("logits_scaling", double.Epsilon, Largest) ?? 1),
    };

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = DenseConfig.Read(config, headsDivideHidden: true, context: DefaultContext);
        UnservedFeatures.RefuseIfOn(config, "sliding_window");
        LayerTypes.RequireAll(config, dense.Layers, sliding: false);
        bool bias = config.Bool("attention_bias", false);
        AttentionBlock attention = dense.Attention(qkvBias: bias, outputBias: bias);
        attention = attention with
        {
            Shape = attention.Shape with { ScoreScale = Multiplier(config, "attention_multiplier") },
        };
        GatedMlpBlock mlp = dense.Mlp() with { Bias = config.Bool("mlp_bias", false) };
        float residual = Multiplier(config, "residual_multiplier");
        var layer = new LayerDescription(
            new Branch(dense.Norm("input_layernorm"), attention) { Multiplier = residual },
            new Branch(dense.Norm("post_attention_layernorm"), mlp) { Multiplier = residual });
        return WithMultipliers(config, dense.Decoder(Family.Architecture, Enumerable.Repeat(layer, dense.Layers)));
    }
}
