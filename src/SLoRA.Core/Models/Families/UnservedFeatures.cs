using System.Collections.Immutable;
using System.Text.Json;
using SLoRA.Formats;

namespace SLoRA.Models.Families;

/// <summary>
/// Settings that some families, or remade checkpoints of the served ones, use to change what is computed. Where the family of a file does
/// not honour one, it is refused by name unless its value says that it does nothing. Keys that are not listed are about
/// training, tooling or text, and are ignored.
/// </summary>
internal static class UnservedFeatures
{
    // Refused unless absent, null, false, 0, or empty.
    private static readonly string[] Switches =
    [
        "quantization", "compression_config", "text_config", "vision_config", "audio_config",
        "num_experts", "num_local_experts", "n_routed_experts", "num_experts_per_tok", "moe_intermediate_size", "enable_moe_block",
        "q_lora_rank", "kv_lora_rank", "num_kv_shared_layers", "attention_k_eq_v", "hidden_size_per_layer_input", "per_layer_config",
        "attn_logit_softcapping", "final_logit_softcapping", "logit_softcap", "query_pre_attn_scalar", "attention_multiplier",
        "attention_chunk_size",
        "no_rope_layers", "no_rope_layer_interval", "sliding_window_pattern", "rope_local_base_freq", "rope_interleave", "rope_interleaved",
        "use_qk_norm", "qk_norm", "qk_layernorm", "use_parallel_residual", "parallel_attn", "clip_qkv", "use_bias", "alibi",
        "use_bidirectional_attention", "is_encoder_decoder", "add_cross_attention",
    ];

    // Refused unless absent, null or 1.
    private static readonly string[] Multipliers =
        ["embedding_multiplier", "residual_multiplier", "logits_scaling", "logit_scale", "lm_head_multiplier", "partial_rotary_factor",
            "rotary_pct"];

    // Architecture names that can be asked of any folder for other uses than generation are harmless; this one means that the code is in
    // the folder.
    private const string RemoteCode = "AutoModelForCausalLM";

    /// <summary>Refuses what a configuration asks for and its family does not honour.</summary>
    public static void Refuse(ConfigObject config, ImmutableArray<string> honoured)
    {
        foreach (string key in Switches.Except(honoured))
        {
            if (IsOn(config, key))
            {
                throw config.Refusal(key, $"is {config.Shown(key)}, which is not served");
            }
        }

        foreach (string key in Multipliers.Except(honoured))
        {
            if (config.Has(key) && !config.IsNumber(key, 1))
            {
                throw config.Refusal(key, $"is {config.Shown(key)}, only 1 is served");
            }
        }

        if (config.OptionalObject("auto_map") is { } map && map.Has(RemoteCode))
        {
            throw config.Refusal("auto_map", $"takes {RemoteCode} from code in the folder, which is never run");
        }
    }

    /// <summary>Refuses keys of families beside this one that would mean something if it honoured them.</summary>
    public static void RefuseIfOn(ConfigObject config, params ReadOnlySpan<string> keys)
    {
        foreach (string key in keys)
        {
            if (IsOn(config, key))
            {
                throw config.Refusal(key, $"is {config.Shown(key)}, which this architecture does not have");
            }
        }
    }

    private static bool IsOn(ConfigObject config, string key) => config.KindOf(key) switch
    {
        JsonValueKind.Null or JsonValueKind.False => false,
        JsonValueKind.Number => !config.IsNumber(key, 0),
        JsonValueKind.Array or JsonValueKind.Object => config.Shown(key).Any(c => !char.IsWhiteSpace(c) && !"[]{}".Contains(c)),
        _ => true,
    };
}
