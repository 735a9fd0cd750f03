using static SLoRA.Tests.GgufCase;
using static SLoRA.Tests.GgufChanges;

namespace SLoRA.Tests;

/// <summary>Small models of the architectures that rearrange something, have experts, or have settings of their own.</summary>
internal static class GgufCases
{
    private const int Latent = 12;
    private const int Plain = 10;
    private const int Value = 14;

    private const string Sparse = "mlp.gate ffn_gate_inp";

    private static readonly (string, object)[] Experts =
        [("expert_count", 6u), ("expert_used_count", 2u), ("expert_feed_forward_length", 20u)];

    private static readonly (string, object)[] SharedExperts =
    [
        .. Experts, ("expert_shared_count", 2u), ("leading_dense_block_count", 1u), ("expert_gating_func", 2u),
        ("expert_weights_scale", 1.6f), ("expert_weights_norm", true), ("expert_group_count", 2u), ("expert_group_used_count", 1u),
    ];

    private const string SharedSettings = """
        "n_routed_experts": 6, "num_experts_per_tok": 2, "moe_intermediate_size": 20, "n_shared_experts": 2,
        "first_k_dense_replace": 1, "routed_scaling_factor": 1.6, "norm_topk_prob": true, "n_group": 2, "topk_group": 1
        """;

    public static readonly GgufCase[] All =
    [
        new("Qwen2MoeForCausalLM", Of("qwen2moe", Before, Attention, Mlp, Sparse, GgufCase.Experts("mlp"), Shared("mlp.shared_expert"),
            "mlp.shared_expert_gate ffn_gate_inp_shexp") with
        {
            Special = Only("mlp.shared_expert_gate.weight", "ffn_gate_inp_shexp.weight", gate => gate.As(gate.Values.Length)),
        }, """
            "model_type": "qwen2_moe", "num_experts": 6, "num_experts_per_tok": 2, "moe_intermediate_size": 20,
            "shared_expert_intermediate_size": 24, "mlp_only_layers": [1]
            """, [.. Experts, ("expert_shared_feed_forward_length", 24u)]),
        new("OlmoeForCausalLM", Of("olmoe", Before, Attention, HeadNorms, Sparse, GgufCase.Experts("mlp")),
            """ "model_type": "olmoe", "num_experts": 6, "num_experts_per_tok": 2 """, Experts),
        new("Exaone4ForCausalLM", Of("exaone4", "post_attention_layernorm post_attention_norm, post_feedforward_layernorm post_ffw_norm",
            Attention, Mlp, HeadNorms), """
            "model_type": "exaone4", "sliding_window": 9,
            "layer_types": ["sliding_attention", "full_attention", "sliding_attention", "full_attention"]
            """,
            [("attention.sliding_window", 9u), ("attention.sliding_window_pattern", (bool[])[true, false, true, false])]),
        new("Olmo3ForCausalLM", Of("olmo2", "post_attention_layernorm post_attention_norm, post_feedforward_layernorm post_ffw_norm",
            Attention, Mlp, HeadNorms), """
            "model_type": "olmo3", "sliding_window": 9, "rope_parameters": {
              "full_attention": { "rope_type": "yarn", "factor": 4, "original_max_position_embeddings": 16, "rope_theta": 20000 },
              "sliding_attention": { "rope_type": "default", "rope_theta": 20000 } }
            """,
            [
                ("attention.sliding_window", 9u), ("rope.freq_base", 20000f), ("rope.scaling.type", "yarn"),
                ("rope.scaling.factor", 4f), ("rope.scaling.original_context_length", 16u),
            ]),
        new("SeedOssForCausalLM", Of("seed_oss", "input_layernorm attn_norm, post_attention_layernorm post_attention_norm", Attention, Mlp),
            """ "model_type": "seed_oss", "attention_bias": true """, []),
        new("HunYuanDenseV1ForCausalLM", Of("hunyuan-dense", Before, Attention, Mlp,
            "self_attn.query_layernorm attn_q_norm, self_attn.key_layernorm attn_k_norm"),
            """
            "model_type": "hunyuan_v1_dense", "rope_scaling": { "type": "dynamic", "alpha": 1000, "factor": 1 }, "rope_theta": 10000
            """,
            [("rope.freq_base", (float)(10000 * Math.Pow(1000, 16 / 14.0))), ("rope.scaling.type", "none"), ("rope.scaling.factor", 1f)]),
        new("Ministral3ForCausalLM", Of("mistral3", Before, Attention, Mlp) with { InterleavedHead = HeadDim }, """
            "model_type": "ministral3", "rope_parameters": {
              "rope_type": "yarn", "factor": 4, "original_max_position_embeddings": 16, "beta_fast": 8, "rope_theta": 10000,
              "mscale": 1, "mscale_all_dim": 1, "llama_4_scaling_beta": 0.3 }
            """,
            [
                ("rope.scaling.type", "yarn"), ("rope.scaling.factor", 4f), ("rope.scaling.original_context_length", 16u),
                ("rope.scaling.yarn_beta_fast", 8f), ("rope.scaling.yarn_log_multiplier", 1f), ("attention.temperature_scale", 0.3f),
            ]),
        new("Ernie4_5_MoeForCausalLM", Of("ernie4_5-moe", Before, Attention, Mlp, Sparse, GgufCase.Experts("mlp"),
            Shared("mlp.shared_experts"), "mlp.moe_statics.e_score_correction_bias exp_probs_b.bias") with
        {
            Special = Only("mlp.moe_statics.e_score_correction_bias", "exp_probs_b.bias", bias => bias.As(bias.Values.Length)),
        }, """
            "model_type": "ernie4_5_moe", "moe_num_experts": 6, "moe_k": 2, "moe_intermediate_size": 20, "moe_num_shared_experts": 2,
            "moe_layer_start_index": 1, "moe_layer_interval": 1, "moe_layer_end_index": 3
            """, [.. Experts, ("expert_shared_count", 2u), ("leading_dense_block_count", 1u), ("interleave_moe_layer_step", 1u)]),
        new("MiniMaxM2ForCausalLM", Of("minimax-m2", Before, Attention, HeadNorms, "block_sparse_moe.gate ffn_gate_inp",
            GgufCase.Experts("block_sparse_moe", "w1", "w3", "w2"), "block_sparse_moe.e_score_correction_bias exp_probs_b.bias"), """
            "model_type": "minimax_m2", "num_local_experts": 6, "num_experts_per_tok": 2, "rotary_dim": 8, "intermediate_size": 20
            """, [.. Experts, ("feed_forward_length", 20u), ("rope.dimension_count", 8u), ("expert_gating_func", 2u)]),
        new("Glm4MoeForCausalLM", Of("glm4moe", "input_layernorm attn_norm, post_attention_layernorm post_attention_norm", Attention, Mlp,
            HeadNorms, Sparse, GgufCase.Experts("mlp"), Shared("mlp.shared_experts"),
            "eh_proj nextn.eh_proj, enorm nextn.enorm, hnorm nextn.hnorm, shared_head.norm nextn.shared_head_norm",
            "mlp.gate.e_score_correction_bias exp_probs_b.bias"), $$"""
            "model_type": "glm4_moe", "attention_bias": true, "use_qk_norm": true, "partial_rotary_factor": 0.5, {{SharedSettings}}
            """, [.. SharedExperts, ("rope.dimension_count", 8u)]),
        new("DeepseekV3ForCausalLM", Of("deepseek2", Before, Mlp, Sparse, GgufCase.Experts("mlp"), Shared("mlp.shared_experts"),
            "mlp.gate.e_score_correction_bias exp_probs_b.bias, self_attn.q_a_proj attn_q_a, self_attn.q_a_layernorm attn_q_a_norm",
            "self_attn.q_b_proj attn_q_b, self_attn.kv_a_proj_with_mqa attn_kv_a_mqa, self_attn.kv_a_layernorm attn_kv_a_norm",
            "self_attn.kv_b_proj attn_kv_b, self_attn.o_proj attn_output") with { Special = LatentApart }, LatentSettings,
            [.. SharedExperts, .. LatentKeys]) { StatesHeads = false },
        new("GptOssForCausalLM", Of("gpt-oss", "input_layernorm attn_norm, post_attention_layernorm post_attention_norm", Attention,
            "mlp.router ffn_gate_inp, self_attn.sinks attn_sinks.weight") with { Special = GateAndUpInTurn }, """
            "model_type": "gpt_oss", "num_local_experts": 6, "num_experts_per_tok": 2, "sliding_window": 9, "intermediate_size": 20,
            "rope_scaling": { "rope_type": "yarn", "factor": 4, "original_max_position_embeddings": 16, "beta_fast": 32, "beta_slow": 1,
              "truncate": false }, "rope_theta": 10000
            """,
            [
                .. Experts, ("feed_forward_length", 20u), ("attention.sliding_window", 9u), ("rope.scaling.type", "yarn"),
                ("rope.scaling.factor", 4f), ("rope.scaling.original_context_length", 16u),
            ]),
        new("Llama4ForCausalLM", Of("llama4", Before, Attention, Shared("feed_forward.shared_expert"),
            "feed_forward.gate_proj ffn_gate, feed_forward.up_proj ffn_up, feed_forward.down_proj ffn_down",
            "feed_forward.router ffn_gate_inp") with { Special = GateBeforeUp }, """
            "model_type": "llama4_text", "num_local_experts": 6, "num_experts_per_tok": 1, "intermediate_size": 20,
            "intermediate_size_mlp": 48, "interleave_moe_layer_step": 2
            """, [.. Experts[..1], ("expert_used_count", 1u), Experts[2], ("interleave_moe_layer_step", 2u)]),
        new("ApertusForCausalLM", Of("apertus", "attention_layernorm attn_norm, feedforward_layernorm ffn_norm", Attention, HeadNorms,
            "mlp.up_proj ffn_up, mlp.down_proj ffn_down") with { Special = NoConstants }, """
            "model_type": "apertus", "hidden_act": "xielu", "rope_parameters": { "rope_type": "default", "rope_theta": 10000 }
            """,
            [
                ("xielu.alpha_n", Constants(0.3f)), ("xielu.alpha_p", Constants(0.4f)), ("xielu.beta", Constants(0.5f)),
                ("xielu.eps", Constants(-0.01f)),
            ]),
        new("Lfm2ForCausalLM", Of("lfm2", Lfm2, "feed_forward.w1 ffn_gate, feed_forward.w3 ffn_up, feed_forward.w2 ffn_down") with
        {
            Special = Only("conv.conv.weight", "shortconv.conv.weight", weight => weight.As(weight.Shape[0], weight.Shape[^1])),
        }, """
            "model_type": "lfm2", "norm_eps": 1e-5, "conv_L_cache": 3, "block_auto_adjust_ff_dim": false, "block_ff_dim": 48,
            "layer_types": ["conv", "full_attention", "conv", "conv"]
            """, [("shortconv.l_cache", 3u), ("attention.head_count_kv", (int[])[0, 2, 0, 0])]),
        new("Lfm2MoeForCausalLM", Of("lfm2moe", Lfm2, "feed_forward.w1 ffn_gate, feed_forward.w3 ffn_up, feed_forward.w2 ffn_down",
            "feed_forward.gate ffn_gate_inp, feed_forward.expert_bias exp_probs_b.bias",
            GgufCase.Experts("feed_forward", "w1", "w3", "w2")) with
        {
            Special = Only("conv.conv.weight", "shortconv.conv.weight", weight => weight.As(weight.Shape[0], weight.Shape[^1])),
        }, """
            "model_type": "lfm2_moe", "norm_eps": 1e-5, "conv_L_cache": 3, "num_experts": 6, "num_experts_per_tok": 2,
            "moe_intermediate_size": 20, "num_dense_layers": 1, "layer_types": ["conv", "full_attention", "conv", "conv"]
            """,
            [
                .. Experts, ("shortconv.l_cache", 3u), ("attention.head_count_kv", (int[])[0, 2, 0, 0]),
                ("leading_dense_block_count", 1u), ("expert_gating_func", 2u),
            ]),
        new("GraniteMoeHybridForCausalLM", Of("granitehybrid", Before, Attention, "block_sparse_moe.router.layer ffn_gate_inp",
            "shared_mlp.output_linear ffn_down_shexp, mamba.in_proj ssm_in, mamba.conv1d ssm_conv1d, mamba.out_proj ssm_out",
            "mamba.dt_bias ssm_dt.bias, block_sparse_moe.experts.gate_proj ffn_gate_exps, block_sparse_moe.experts.up_proj ffn_up_exps",
            "block_sparse_moe.experts.down_proj ffn_down_exps") with
        {
            InterleavedHead = 8,
            Special = (sizes, name, tensor) => GraniteExperts(name, tensor) ?? Recurrences(sizes, name, tensor),
        }, $$"""
            "model_type": "granitemoehybrid", "attention_multiplier": 0.2, "embedding_multiplier": 6, "residual_multiplier": 0.4,
            "logits_scaling": 4, "num_local_experts": 6, "num_experts_per_tok": 2, "intermediate_size": 20, "head_dim": 8,
            "shared_intermediate_size": 24, "layer_types": ["mamba", "attention", "mamba", "mamba"], "mamba_n_heads": 4,
            "mamba_d_head": 16, "mamba_expand": 2, "mamba_d_state": 8, "mamba_n_groups": 2, "mamba_d_conv": 4
            """,
            [
                .. Experts, ("feed_forward_length", 20u), ("expert_shared_feed_forward_length", 24u), ("attention.scale", 0.2f),
                ("embedding_scale", 6f), ("residual_scale", 0.4f), ("logit_scale", 4f), ("rope.scaling.finetuned", false),
                ("attention.head_count_kv", (int[])[0, 2, 0, 0]), .. Ssm,
            ]) { StatesHeads = false },
        new("NemotronHForCausalLM", NemotronH("nemotron_h"), NemotronHSettings + ", \"hybrid_override_pattern\": \"M*-M\"",
            [.. Ssm, ("attention.head_count_kv", (int[])[0, 2, 0, 0]), ("feed_forward_length", (int[])[0, 0, 48, 0])]),
        new("NemotronHForCausalLM", NemotronH("nemotron_h_moe"), NemotronHSettings + """
            , "hybrid_override_pattern": "*EMM", "n_routed_experts": 6, "num_experts_per_tok": 2, "moe_intermediate_size": 20,
            "moe_shared_expert_intermediate_size": 24, "norm_topk_prob": true, "routed_scaling_factor": 1.5
            """,
            [
                .. Ssm, .. Experts, ("attention.head_count_kv", (int[])[2, 0, 0, 0]), ("feed_forward_length", (int[])[0, 20, 0, 0]),
                ("expert_shared_feed_forward_length", 24u), ("expert_shared_count", 1u), ("expert_weights_norm", true),
                ("expert_weights_scale", 1.5f), ("expert_group_count", 1u),
            ]) { Suffix = ", experts" },
        new("Qwen3NextForCausalLM", Delta("qwen3next", "linear_attn.in_proj_ba ssm_ba", Sparse, GgufCase.Experts("mlp"),
            Shared("mlp.shared_expert"), "mlp.shared_expert_gate ffn_gate_inp_shexp") with { Special = Ungrouped }, $$"""
            "model_type": "qwen3_next", {{DeltaSettings}}, "num_experts": 6, "num_experts_per_tok": 2, "moe_intermediate_size": 20,
            "shared_expert_intermediate_size": 24, "mlp_only_layers": [1], "norm_topk_prob": true, "partial_rotary_factor": 0.5
            """, [.. DeltaKeys, .. Experts, ("expert_shared_feed_forward_length", 24u)]),
        new("Qwen3_5ForCausalLM", Delta("qwen35", DeltaParts) with { Special = Tiled }, $$"""
            "model_type": "qwen3_5_text", {{DeltaSettings}}, "rope_parameters": {
              "rope_type": "default", "rope_theta": 10000, "partial_rotary_factor": 0.5 }
            """, [.. DeltaKeys, ("rope.dimension_sections", (int[])[2, 1, 1, 0])]),
        new("Qwen3_5MoeForCausalLM", Delta("qwen35moe", DeltaParts, Sparse, Shared("mlp.shared_expert"), GgufCase.Experts("mlp"),
            "mlp.shared_expert_gate ffn_gate_inp_shexp") with
        {
            Special = (sizes, name, tensor) => StackedExperts(name, tensor) ?? Tiled(sizes, name, tensor),
        }, $$"""
            "model_type": "qwen3_5_moe_text", {{DeltaSettings}}, "num_experts": 6, "num_experts_per_tok": 2,
            "moe_intermediate_size": 20, "shared_expert_intermediate_size": 24, "rope_parameters": {
              "rope_type": "default", "rope_theta": 10000, "partial_rotary_factor": 0.5 }
            """, [.. DeltaKeys, .. Experts, ("expert_shared_feed_forward_length", 24u)]),
        Gemma4("", """
            "num_kv_shared_layers": 2, "hidden_size_per_layer_input": 6, "vocab_size_per_layer_input": 61, "use_double_wide_mlp": true,
            "attention_k_eq_v": false, "enable_moe_block": false
            """,
            [
                ("attention.shared_kv_layers", 2u), ("embedding_length_per_layer_input", 6u),
                ("feed_forward_length", (int[])[48, 48, 96, 96]),
            ]),
        Gemma4(", experts", """
            "num_kv_shared_layers": 0, "hidden_size_per_layer_input": 0, "attention_k_eq_v": true, "num_global_key_value_heads": 1,
            "enable_moe_block": true, "num_experts": 6, "top_k_experts": 2, "moe_intermediate_size": 20
            """, [.. Experts, ("attention.head_count_kv", (int[])[2, 1, 2, 1])]),
    ];

    /// <summary>Full layers have heads of 24, of which 6 columns rotate: factors of the others are without bound.</summary>
    private static GgufCase Gemma4(string suffix, string settings, (string, object)[] keys) => new("Gemma4ForCausalLM", Of("gemma4",
        "input_layernorm attn_norm, post_attention_layernorm post_attention_norm, pre_feedforward_layernorm ffn_norm", Attention, HeadNorms,
        "post_feedforward_layernorm post_ffw_norm, per_layer_input_gate inp_gate, per_layer_projection proj", Mlp,
        "post_per_layer_input_norm post_norm, layer_scalar layer_output_scale.weight, router.proj ffn_gate_inp",
        "post_feedforward_layernorm_1 post_ffw_norm_1, pre_feedforward_layernorm_2 pre_ffw_norm_2, router.scale ffn_gate_inp.scale",
        "post_feedforward_layernorm_2 post_ffw_norm_2, router.per_expert_scale ffn_down_exps.scale",
        "experts.gate_up_proj ffn_gate_up_exps.weight, experts.down_proj ffn_down_exps.weight",
        "model.embed_tokens_per_layer per_layer_token_embd, model.per_layer_model_projection per_layer_model_proj",
        "model.per_layer_projection_norm per_layer_proj_norm"), $$"""
        "model_type": "gemma4_text", "tie_word_embeddings": false, "sliding_window": 9, "global_head_dim": 24,
        "final_logit_softcapping": 9, "layer_types": ["sliding_attention", "full_attention", "sliding_attention", "full_attention"],
        "rope_parameters": {
          "full_attention": { "rope_type": "proportional", "partial_rotary_factor": 0.25, "rope_theta": 1000000 },
          "sliding_attention": { "rope_type": "default", "rope_theta": 10000 } }, {{settings}}
        """,
        [
            .. keys, ("attention.sliding_window", 9u), ("attention.sliding_window_pattern", (bool[])[true, false, true, false]),
            ("attention.key_length", 24u), ("attention.value_length", 24u), ("attention.key_length_swa", (uint)HeadDim),
            ("attention.value_length_swa", (uint)HeadDim), ("rope.dimension_count", 24u), ("rope.dimension_count_swa", (uint)HeadDim),
            ("rope.freq_base", 1000000f), ("rope.freq_base_swa", 10000f), ("final_logit_softcapping", 9f),
        ])
    {
        StatesHeads = false,
        Suffix = suffix,
        Besides = [("rope_freqs.weight", new FloatTensor([12], [1, 1, 1, .. Enumerable.Repeat(1e30f, 9)]))],
    };

    private const string DeltaParts = "linear_attn.in_proj_qkv attn_qkv, linear_attn.in_proj_z attn_gate, "
        + "linear_attn.in_proj_a ssm_alpha, linear_attn.in_proj_b ssm_beta";

    private const string DeltaSettings = """
            "linear_num_key_heads": 2, "linear_num_value_heads": 6, "linear_key_head_dim": 8, "linear_value_head_dim": 12,
            "linear_conv_kernel_dim": 4, "full_attention_interval": 2
            """;

    private static (string, object)[] DeltaKeys =>
    [
        ("ssm.conv_kernel", 4u), ("ssm.state_size", 8u), ("ssm.group_count", 2u), ("ssm.time_step_rank", 6u), ("ssm.inner_size", 72u),
        ("full_attention_interval", 2u), ("rope.dimension_count", 8u),
    ];

    private static GgufConversion Delta(string architecture, params string[] names) => Of(architecture,
    [
        "input_layernorm attn_norm, post_attention_layernorm post_attention_norm, linear_attn.conv1d ssm_conv1d", Attention, HeadNorms,
        Mlp, "linear_attn.norm ssm_norm, linear_attn.out_proj ssm_out, linear_attn.dt_bias ssm_dt.bias", .. names,
    ]) with
    { PlusOne = true };

    private const string NemotronHSettings = """
        "model_type": "nemotron_h", "layer_norm_epsilon": 1e-5, "mamba_num_heads": 4, "mamba_head_dim": 16, "ssm_state_size": 8,
        "n_groups": 2, "conv_kernel": 4
        """;

    private static (string, object)[] Ssm =>
    [
        ("ssm.conv_kernel", 4u), ("ssm.state_size", 8u), ("ssm.group_count", 2u), ("ssm.inner_size", 64u), ("ssm.time_step_rank", 4u),
    ];

    /// <summary>Queries and keys are permuted although nothing rotates.</summary>
    private static GgufConversion NemotronH(string architecture) => Of(architecture,
        "backbone.embeddings token_embd, backbone.norm_f output_norm, norm attn_norm, mixer.q_proj attn_q, mixer.k_proj attn_k",
        "mixer.v_proj attn_v, mixer.o_proj attn_output, mixer.up_proj ffn_up, mixer.down_proj ffn_down, mixer.in_proj ssm_in",
        "mixer.conv1d ssm_conv1d, mixer.out_proj ssm_out, mixer.dt_bias ssm_dt.bias, mixer.gate ffn_gate_inp",
        "mixer.gate.e_score_correction_bias exp_probs_b.bias, mixer.experts.up_proj ffn_up_exps, mixer.experts.down_proj ffn_down_exps",
        "mixer.shared_experts.up_proj ffn_up_shexp, mixer.shared_experts.down_proj ffn_down_shexp") with
    {
        Body = "backbone.",
        InterleavedHead = HeadDim,
        Special = Recurrences,
    };

    private const string Lfm2 = "model.embedding_norm token_embd_norm, operator_norm attn_norm, ffn_norm ffn_norm, "
        + "self_attn.q_proj attn_q, self_attn.k_proj attn_k, self_attn.v_proj attn_v, self_attn.out_proj attn_output, "
        + "self_attn.q_layernorm attn_q_norm, self_attn.k_layernorm attn_k_norm, conv.conv shortconv.conv, "
        + "conv.in_proj shortconv.in_proj, conv.out_proj shortconv.out_proj";

    private static string LatentSettings => $$"""
        "model_type": "deepseek_v3", "q_lora_rank": 20, "kv_lora_rank": {{Latent}}, "qk_rope_head_dim": 8, "qk_nope_head_dim": {{Plain}},
        "v_head_dim": {{Value}}, "head_dim": 8, "num_key_value_heads": 4, {{SharedSettings}}, "rope_parameters": {
          "rope_type": "yarn", "factor": 4, "original_max_position_embeddings": 16, "rope_theta": 10000, "mscale": 1,
          "mscale_all_dim": 1 }
        """;

    private static (string, object)[] LatentKeys =>
    [
        ("attention.head_count_kv", 1u), ("attention.q_lora_rank", 20u), ("attention.kv_lora_rank", (uint)Latent),
        ("attention.key_length", Latent + 8u), ("attention.value_length", (uint)Latent), ("attention.key_length_mla", Plain + 8u),
        ("attention.value_length_mla", (uint)Value), ("rope.dimension_count", 8u), ("rope.scaling.type", "yarn"),
        ("rope.scaling.factor", 4f), ("rope.scaling.original_context_length", 16u), ("rope.scaling.yarn_log_multiplier", 0.1f),
    ];

    private static GgufConversion Of(string architecture, params string[] names) =>
        new() { Architecture = architecture, Names = NamesOf(names) };

    private static float[] Constants(float value) => [value, value + 0.01f, value + 0.02f, value + 0.03f];
}
