using SLoRA.Formats;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Models.Families;

/// <summary>
/// Gemma3ForCausalLM: Gemma 2 with norms of queries and keys and a rotation of its own for windowed layers; caps only on request.
/// </summary>
internal static class Gemma3Family
{
    private const int DefaultContext = 131072;
    private const int DefaultPattern = 6;

    // Published files of models for images too leave these out.
    private const int DefaultHeads = 8;
    private const int DefaultVocabulary = 262208;
    private const double DefaultTheta = 1e6;
    private const double DefaultLocalTheta = 1e4;

    public static DecoderFamily Family { get; } = new("Gemma3ForCausalLM", "gemma3_text", Describe)
    {
        Reads =
        [
            "query_pre_attn_scalar", "attn_logit_softcapping", "final_logit_softcapping", "sliding_window_pattern",
            "rope_local_base_freq",
        ],
    };

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = GemmaLayers.Read(config, DefaultContext, DefaultHeads, DefaultVocabulary);
        (RopeDescription full, RopeDescription windowed) = RopeConfig.ReadKinds(
            config, dense.RopeLayout with { Theta = DefaultTheta }, "rope_local_base_freq", DefaultLocalTheta);
        dense = dense with { Rope = full };
        float? cap = GemmaLayers.Cap(config, "attn_logit_softcapping", otherwise: null);
        var norm = new QueryKeyNorm(dense.NormEpsilon) { WeightOffset = 1 };
        return GemmaLayers.Decoder(
            dense, Family.Architecture,
            [
                .. (LayerTypes.Read(config, dense.Layers) ?? LayerTypes.FullEvery(config, dense.Layers, DefaultPattern))
                    .Select(slides => GemmaLayers.Attention(dense, slides, cap) with
                    {
                        QueryKeyNorm = norm,
                        Rope = slides ? windowed : full,
                    }),
            ],
            GemmaLayers.Cap(config, "final_logit_softcapping", otherwise: null));
    }
}
