using SLoRA.Formats;
using SLoRA.Models.Blocks;

namespace SLoRA.Models.Families;

/// <summary>Gemma2ForCausalLM: Gemma with norms behind the blocks, a window on every other layer, and caps on scores and logits.</summary>
internal static class Gemma2Family
{
    private const int DefaultContext = 8192;
    private const float DefaultScoreCap = 50;
    private const float DefaultLogitCap = 30;

    public static DecoderFamily Family { get; } = new("Gemma2ForCausalLM", "gemma2", Describe)
    {
        Reads = ["query_pre_attn_scalar", "attn_logit_softcapping", "final_logit_softcapping"],
    };

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = GemmaLayers.Read(config, DefaultContext);
        float? cap = GemmaLayers.Cap(config, "attn_logit_softcapping", DefaultScoreCap);
        return GemmaLayers.Decoder(
            dense, Family.Architecture,
            [
                .. (LayerTypes.Read(config, dense.Layers) ?? LayerTypes.EveryOther(dense.Layers))
                    .Select(slides => GemmaLayers.Attention(dense, slides, cap)),
            ],
            GemmaLayers.Cap(config, "final_logit_softcapping", DefaultLogitCap));
    }
}
