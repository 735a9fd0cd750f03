using System.Collections.Immutable;
using static SLoRA.Formats.Gguf.GgufNames;

namespace SLoRA.Formats.Gguf;

/// <summary>Architectures that have convolutions or recurrences in some layers.</summary>
internal static class GgufHybridArchitectures
{
    private const string HeadCount = "ssm.time_step_rank";
    private const string InnerSize = "ssm.inner_size";
    private const string StateSize = "ssm.state_size";
    private const string GroupCount = "ssm.group_count";

    private static readonly ImmutableArray<(string Gguf, string HuggingFace)> Lfm2 =
    [
        ("attn_norm", "operator_norm"),
        ("ffn_norm", "ffn_norm"),
        ("attn_q", "self_attn.q_proj"),
        ("attn_k", "self_attn.k_proj"),
        ("attn_v", "self_attn.v_proj"),
        ("attn_output", "self_attn.out_proj"),
        ("attn_q_norm", "self_attn.q_layernorm"),
        ("attn_k_norm", "self_attn.k_layernorm"),
        ("shortconv.conv", "conv.conv"),
        ("shortconv.in_proj", "conv.in_proj"),
        ("shortconv.out_proj", "conv.out_proj"),
        ("ffn_gate", "feed_forward.w1"),
        ("ffn_up", "feed_forward.w3"),
        ("ffn_down", "feed_forward.w2"),
    ];

    // The norm before the head is called as if it came behind the embedding.
    private static readonly ImmutableArray<(string Gguf, string HuggingFace)> Lfm2Outer =
    [
        ("token_embd", "model.embed_tokens"),
        ("token_embd_norm", "model.embedding_norm"),
        ("output_norm", "model.embedding_norm"),
        ("output", "lm_head"),
    ];

    /// <summary>All of them.</summary>
    public static readonly ImmutableArray<GgufArchitecture> All =
    [
        new()
        {
            Name = "lfm2",
            HuggingFace = "Lfm2ForCausalLM",
            ModelType = "lfm2",
            Outer = Lfm2Outer,
            Modules = Lfm2,
            NormKey = "norm_eps",
            Reads = ["shortconv.l_cache"],
            Write = settings => WriteLfm2(settings).Flag("block_auto_adjust_ff_dim", false),
        },
        new()
        {
            Name = "lfm2moe",
            HuggingFace = "Lfm2MoeForCausalLM",
            ModelType = "lfm2_moe",
            Outer = Lfm2Outer,
            Modules = [.. Lfm2, ("ffn_gate_inp", "feed_forward.gate")],
            Vectors = [("exp_probs_b.bias", "feed_forward.expert_bias")],
            Experts = ExpertsOf("feed_forward", "w1", "w3", "w2"),
            NormKey = "norm_eps",
            Reads = ["shortconv.l_cache", "expert_count", "expert_used_count", "leading_dense_block_count", "expert_weights_scale"],
            Write = settings => WriteLfm2(settings).Integer("num_experts", "expert_count")
                .Integer("num_experts_per_tok", "expert_used_count").Integer("moe_intermediate_size", "expert_feed_forward_length")
                .Count("num_dense_layers", "leading_dense_block_count", 0).Flag("norm_topk_prob", true)
                .Number("routed_scaling_factor", "expert_weights_scale", 1)
                .Flag("use_expert_bias", settings.Has($"blk.{settings.Layers - 1}.exp_probs_b.bias")).Scores(function: 2, otherwise: 2),
        },
        new()
        {
            Name = "granitehybrid",
            HuggingFace = "GraniteMoeHybridForCausalLM",
            ModelType = "granitemoehybrid",
            Modules =
            [
                .. Before,
                .. Attention,
                .. Mamba("mamba"),
                ("ffn_gate_inp", "block_sparse_moe.router.layer"),
                ("ffn_down_shexp", "shared_mlp.output_linear"),
                ("ffn_down", "shared_mlp.output_linear"),
            ],
            Vectors = MambaVectors("mamba"),
            Experts = ExpertsOf("block_sparse_moe"),
            Joins =
            [
                new("shared_mlp.input_linear", ["ffn_gate_shexp", "ffn_up_shexp"], GgufJoinOrder.Behind),
                new("shared_mlp.input_linear", ["ffn_gate", "ffn_up"], GgufJoinOrder.Behind),
            ],
            PermutesHeads = true,
            Reads =
            [
                "ssm.conv_kernel", "attention.scale", "embedding_scale", "residual_scale", "logit_scale", "expert_count",
                "expert_used_count",
            ],
            Write = settings => settings.Number("attention_multiplier", "attention.scale", null)
                .Number("embedding_multiplier", "embedding_scale", null).Number("residual_multiplier", "residual_scale", null)
                .Number("logits_scaling", "logit_scale", null)
                .Kinds("layer_types", Attends(settings.EachLayer("attention.head_count_kv"), "mamba", "attention"))
                .Count("num_local_experts", "expert_count", 0).Integer("num_experts_per_tok", "expert_used_count")
                .Integer("shared_intermediate_size", "expert_shared_feed_forward_length", settings.Width)
                .Integer("mamba_n_heads", HeadCount).Quotient("mamba_expand", InnerSize, settings.Hidden)
                .Integer("mamba_d_state", StateSize).Integer("mamba_n_groups", GroupCount, 1).Integer("mamba_d_conv", "ssm.conv_kernel")
                .Flag("mamba_conv_bias", settings.HasAny("ssm_conv1d.bias")).Flag("mamba_proj_bias", settings.HasAny("ssm_in.bias"))
                // As llama.cpp has it, the key says whether anything rotates.
                .Text("position_embedding_type", settings.Is("rope.scaling.finetuned", otherwise: true) ? "rope" : "nope"),
        },
        NemotronH with
        {
            Experts = [],
            Write = settings => WriteNemotronH(settings, "mlp"),
        },
        NemotronH with
        {
            Name = "nemotron_h_moe",
            Reads =
            [
                .. NemotronH.Reads, "expert_count", "expert_used_count", "expert_shared_count", "expert_weights_scale",
                "expert_weights_norm", "expert_group_count", "expert_group_used_count",
            ],
            Write = settings => WriteNemotronH(settings, "moe").Integer("n_routed_experts", "expert_count")
                .Integer("num_experts_per_tok", "expert_used_count").Integer("moe_intermediate_size", "expert_feed_forward_length")
                .Integer("moe_shared_expert_intermediate_size", "expert_shared_feed_forward_length")
                .Flag("norm_topk_prob", "expert_weights_norm", false).Number("routed_scaling_factor", "expert_weights_scale", 1)
                .Integer("n_group", "expert_group_count", 1).Integer("topk_group", "expert_group_used_count", 1)
                .Scores(function: 2, otherwise: 2),
        },
    ];

    private static GgufArchitecture NemotronH => new()
    {
        Name = "nemotron_h",
        HuggingFace = "NemotronHForCausalLM",
        ModelType = "nemotron_h",
        Body = "backbone.",
        Outer = [("token_embd", "backbone.embeddings"), ("output_norm", "backbone.norm_f"), ("output", "lm_head")],
        Modules =
        [
            ("attn_norm", "norm"),
            ("attn_q", "mixer.q_proj"),
            ("attn_k", "mixer.k_proj"),
            ("attn_v", "mixer.v_proj"),
            ("attn_output", "mixer.o_proj"),
            ("ffn_up", "mixer.up_proj"),
            ("ffn_down", "mixer.down_proj"),
            .. Mamba("mixer"),
            ("ffn_gate_inp", "mixer.gate"),
            ("ffn_up_shexp", "mixer.shared_experts.up_proj"),
            ("ffn_down_shexp", "mixer.shared_experts.down_proj"),
        ],
        Vectors = [.. MambaVectors("mixer"), ("exp_probs_b.bias", "mixer.gate.e_score_correction_bias")],
        Experts = [("ffn_up_exps", "mixer.experts.{0}.up_proj"), ("ffn_down_exps", "mixer.experts.{0}.down_proj")],
        PermutesHeads = true,
        Rotates = false,
        NormKey = "layer_norm_epsilon",
        Reads = ["ssm.conv_kernel"],
    };

    private static ImmutableArray<(string Gguf, string HuggingFace)> Mamba(string name) =>
    [
        ("ssm_in", $"{name}.in_proj"),
        ("ssm_conv1d", $"{name}.conv1d"),
        ("ssm_norm", $"{name}.norm"),
        ("ssm_out", $"{name}.out_proj"),
    ];

    private static ImmutableArray<(string Gguf, string HuggingFace)> MambaVectors(string name) =>
    [
        ("ssm_a", $"{name}.A_log"),
        ("ssm_d", $"{name}.D"),
        ("ssm_dt.bias", $"{name}.dt_bias"),
    ];

    private static GgufSettings WriteNemotronH(GgufSettings settings, string behind)
    {
        Func<int, string> attends = Attends(settings.EachLayer("attention.head_count_kv"), "mamba", "attention");
        ImmutableArray<int> widths = settings.EachLayer("feed_forward_length");
        return settings.Kinds("layers_block_type", layer => widths[layer] > 0 ? behind : attends(layer))
            .Integer("mamba_num_heads", HeadCount).Quotient("mamba_head_dim", InnerSize, settings.Read(HeadCount) ?? 1)
            .Integer("ssm_state_size", StateSize).Integer("n_groups", GroupCount, 1).Integer("conv_kernel", "ssm.conv_kernel")
            .Flag("use_conv_bias", settings.HasAny("ssm_conv1d.bias")).Flag("use_bias", settings.HasAny("ssm_in.bias"));
    }

    private static GgufSettings WriteLfm2(GgufSettings settings) => settings
        .Integer("conv_L_cache", "shortconv.l_cache").Flag("conv_bias", settings.Has("blk.0.shortconv.conv.bias"))
        .Kinds("layer_types", Attends(settings.EachLayer("attention.head_count_kv"), "conv"));

    private static Func<int, string> Attends(
        ImmutableArray<int> keyHeads, string otherwise, string attends = "full_attention") =>
        layer => keyHeads[layer] > 0 ? attends : otherwise;
}
