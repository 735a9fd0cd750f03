using System.Collections.Immutable;
using static SLoRA.Formats.Gguf.GgufNames;

namespace SLoRA.Formats.Gguf;

/// <summary>Architectures with gated delta nets.</summary>
internal static class GgufDeltaArchitectures
{
    private const string ValueHeads = "ssm.time_step_rank";

    /// <summary>All of them.</summary>
    public static readonly ImmutableArray<GgufArchitecture> All =
    [
        Dense with
        {
            Name = "qwen3next",
            HuggingFace = "Qwen3NextForCausalLM",
            ModelType = "qwen3_next",
            Modules = [.. Dense.Modules, .. Sparse, ("ssm_ba", "linear_attn.in_proj_ba"), ("ssm_in", "linear_attn.in_proj_qkvz")],
            Experts = ExpertsOf("mlp"),
            Joins = [new("linear_attn.in_proj_qkvz", ["attn_qkv", "attn_gate"], GgufJoinOrder.ByKeyHead)],
            Reads = [.. Dense.Reads, "expert_count", "expert_used_count"],
            Write = settings => WriteExperts(settings).Flag("norm_topk_prob", true)
                .LayersWithout("mlp_only_layers", "ffn_gate_exps.weight"),
        },
        Dense with
        {
            Modules = [.. Dense.Modules, .. Apart],
            TilesDeltaHeads = true,
            Write = settings => WriteHeads(settings),
        },
        Dense with
        {
            Name = "qwen35moe",
            HuggingFace = "Qwen3_5MoeForCausalLM",
            ModelType = "qwen3_5_moe_text",
            Modules = [.. Dense.Modules, .. Sparse, .. Apart],
            Experts = ExpertsOf("mlp"),
            TilesDeltaHeads = true,
            Reads = [.. Dense.Reads, "expert_count", "expert_used_count"],
            Write = settings => WriteExperts(settings),
        },
    ];

    private static GgufArchitecture Dense => new()
    {
        Name = "qwen35",
        HuggingFace = "Qwen3_5ForCausalLM",
        ModelType = "qwen3_5_text",
        Modules =
        [
            ("attn_norm", "input_layernorm"),
            ("post_attention_norm", "post_attention_layernorm"),
            .. Attention,
            .. HeadNorms,
            .. Gated,
            ("ssm_conv1d", "linear_attn.conv1d"),
            ("ssm_norm", "linear_attn.norm"),
            ("ssm_out", "linear_attn.out_proj"),
        ],
        Vectors = [("ssm_a", "linear_attn.A_log"), ("ssm_dt.bias", "linear_attn.dt_bias")],
        StoresNormsPlusOne = true,
        RotatesPart = true,
        Reads = ["ssm.conv_kernel", "rope.dimension_sections", "nextn_predict_layers"],
    };

    private static ImmutableArray<(string Gguf, string HuggingFace)> Sparse =>
    [
        ("ffn_gate_inp", "mlp.gate"),
        ("ffn_gate_inp_shexp", "mlp.shared_expert_gate"),
        .. SharedOf("mlp.shared_expert"),
    ];

    private static ImmutableArray<(string Gguf, string HuggingFace)> Apart =>
    [
        ("attn_qkv", "linear_attn.in_proj_qkv"),
        ("attn_gate", "linear_attn.in_proj_z"),
        ("ssm_alpha", "linear_attn.in_proj_a"),
        ("ssm_beta", "linear_attn.in_proj_b"),
    ];

    private static GgufSettings WriteHeads(GgufSettings settings) => settings
        .Integer("linear_num_key_heads", "ssm.group_count").Integer("linear_num_value_heads", ValueHeads)
        .Integer("linear_key_head_dim", "ssm.state_size")
        .Quotient("linear_value_head_dim", "ssm.inner_size", settings.Read(ValueHeads) ?? 1)
        .Integer("linear_conv_kernel_dim", "ssm.conv_kernel").Integer("full_attention_interval", "full_attention_interval", 4);

    private static GgufSettings WriteExperts(GgufSettings settings) => WriteHeads(settings)
        .Integer("num_experts", "expert_count").Integer("num_experts_per_tok", "expert_used_count")
        .Integer("moe_intermediate_size", "expert_feed_forward_length")
        .Integer("shared_expert_intermediate_size", "expert_shared_feed_forward_length", settings.Width).Scores(function: 1, otherwise: 1);
}
