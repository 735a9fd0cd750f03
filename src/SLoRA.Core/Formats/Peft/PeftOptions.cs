using System.Collections.Frozen;

namespace SLoRA.Formats.Peft;

/// <summary>
/// What becomes of each option of adapter_config.json, over all versions of PEFT to 0.21: read, without effect on what the adapter
/// computes, or refused while it is switched on. An option in none of the three lists is refused too if it is switched on.
/// </summary>
internal static class PeftOptions
{
    /// <summary>Options that <see cref="PeftConfig"/> reads.</summary>
    public static readonly FrozenSet<string> Read = FrozenSet.ToFrozenSet(
    [
        "peft_type", "task_type", "r", "lora_alpha", "use_rslora", "rank_pattern", "alpha_pattern", "target_modules", "exclude_modules",
        "layers_to_transform", "layers_pattern", "bias", "init_lora_weights", "use_dora", "lora_dropout", "lora_bias",
        "modules_to_save", "trainable_token_indices", "alora_invocation_tokens", "ensure_weight_tying", "target_parameters",
        "peft_version",
    ]);

    /// <summary>Options that say where the adapter comes from, or how it was trained or started, and nothing of its function.</summary>
    public static readonly FrozenSet<string> WithoutEffect = FrozenSet.ToFrozenSet(
    [
        "base_model_name_or_path", "revision", "auto_mapping", "inference_mode", "merge_weights", "runtime_config",
        "megatron_core",
        // Settings of starting values that PEFT itself ignores unless init_lora_weights names them.
        "loftq_config", "eva_config", "corda_config", "lora_ga_config", "qalora_group_size",
        // VeLoRA replaces the backward pass only.
        "velora_config",
        // Learning rates and types that one trainer (ms-swift) leaves in the file.
        "lora_dtype", "lorap_lr_ratio", "lorap_emb_lr",
    ]);

    /// <summary>Options that are not served, each with the reason that the refusal gives.</summary>
    public static readonly FrozenDictionary<string, string> Refused = new Dictionary<string, string>
    {
        ["layer_replication"] = "builds another model out of the base",
        ["fan_in_fan_out"] = "is for layers that store their weights transposed, as no served model does",
        ["megatron_config"] = "is for layers of Megatron",
        ["use_qalora"] = "pools the inputs of each module",
        ["use_bdlora"] = "stores block-diagonal matrices",
        ["arrow_config"] = "routes between several adapters",
        ["kasa_config"] = "truncates the base model's weights",
        ["monteclora_config"] = "samples its weights",
        ["enable_lora"] = "adapts parts of a fused projection",
    }.ToFrozenDictionary();

    /// <summary>
    /// Values of init_lora_weights that leave the base model alone when the adapter is loaded, in lower case. The others (pissa, olora,
    /// corda, loftq, lora_ga) belong to a base model whose weights were changed when training began.
    /// </summary>
    public static readonly FrozenSet<string> HarmlessStarts = FrozenSet.ToFrozenSet(["gaussian", "eva", "orthogonal", "mica"]);

    /// <summary>Whether this is an option of PEFT that is understood here, served or not.</summary>
    public static bool IsKnown(string option) => Read.Contains(option) || WithoutEffect.Contains(option) || Refused.ContainsKey(option);

    /// <summary>Values of task_type that PEFT knows.</summary>
    public static readonly FrozenSet<string> Tasks = FrozenSet.ToFrozenSet(
        ["SEQ_CLS", "SEQ_2_SEQ_LM", "CAUSAL_LM", "TOKEN_CLS", "QUESTION_ANS", "FEATURE_EXTRACTION"]);
}
