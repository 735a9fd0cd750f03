using System.Collections.Immutable;
using static SLoRA.Formats.Gguf.GgufNames;

namespace SLoRA.Formats.Gguf;

/// <summary>Architectures with experts.</summary>
internal static class GgufExpertArchitectures
{
    private const string Correction = "exp_probs_b.bias";
    private const string KeyLength = "attention.key_length_mla";
    private const string ValueLength = "attention.value_length_mla";
    private const string LogMultiplier = "rope.scaling.yarn_log_multiplier";

    // What expert_gating_func says.
    private const int Softmax = 1;
    private const int Sigmoid = 2;

    private static readonly ImmutableArray<string> Counts = ["expert_count", "expert_used_count"];

    private static readonly ImmutableArray<string> SharedCounts = [.. Counts, "expert_shared_count", "leading_dense_block_count"];

    private static readonly ImmutableArray<string> Weighing =
        ["expert_weights_scale", "expert_weights_norm", "expert_group_count", "expert_group_used_count"];

    /// <summary>All of them.</summary>
    public static readonly ImmutableArray<GgufArchitecture> All =
    [
        new()
        {
            Name = "llama",
            HuggingFace = "MixtralForCausalLM",
            ModelType = "mixtral",
            Modules = [.. Before, .. Attention, ("ffn_gate_inp", "block_sparse_moe.gate")],
            Experts =
            [
                ("ffn_gate_exps", "block_sparse_moe.experts.{0}.w1"),
                ("ffn_down_exps", "block_sparse_moe.experts.{0}.w2"),
                ("ffn_up_exps", "block_sparse_moe.experts.{0}.w3"),
            ],
            PermutesHeads = true,
            Tells = metadata => metadata.IsOn("llama.expert_count"),
            Reads = ["expert_count", "expert_used_count"],
            Write = settings => settings.Integer("num_local_experts", "expert_count").Integer("num_experts_per_tok", "expert_used_count"),
        },
        new()
        {
            Name = "qwen3moe",
            HuggingFace = "Qwen3MoeForCausalLM",
            ModelType = "qwen3_moe",
            Modules = [.. Dense, .. HeadNorms, ("ffn_gate_inp", "mlp.gate")],
            Experts = ExpertsOf("mlp"),
            Reads = ["expert_count", "expert_used_count"],
            Write = settings => settings.Integer("num_experts", "expert_count").Integer("num_experts_per_tok", "expert_used_count")
                .Integer("moe_intermediate_size", "expert_feed_forward_length").Flag("norm_topk_prob", true)
                .LayersWithout("mlp_only_layers", "ffn_gate_exps.weight"),
        },
        new()
        {
            Name = "qwen2moe",
            HuggingFace = "Qwen2MoeForCausalLM",
            ModelType = "qwen2_moe",
            Modules =
            [
                .. Dense,
                ("ffn_gate_inp", "mlp.gate"),
                ("ffn_gate_inp_shexp", "mlp.shared_expert_gate"),
                .. SharedOf("mlp.shared_expert"),
            ],
            Experts = ExpertsOf("mlp"),
            BiasKey = "qkv_bias",
            Reads = Counts,
            Write = settings => settings.Integer("num_experts", "expert_count").Integer("num_experts_per_tok", "expert_used_count")
                .Integer("moe_intermediate_size", "expert_feed_forward_length",
                    settings.Width / Math.Max(1, settings.Read("expert_used_count") ?? 1))
                .Integer("shared_expert_intermediate_size", "expert_shared_feed_forward_length", settings.Width)
                .Flag("norm_topk_prob", false).LayersWithout("mlp_only_layers", "ffn_gate_exps.weight").Scores(Softmax, Softmax),
        },
        new()
        {
            Name = "olmoe",
            HuggingFace = "OlmoeForCausalLM",
            ModelType = "olmoe",
            Modules = [.. Before, .. Attention, .. HeadNorms, ("ffn_gate_inp", "mlp.gate")],
            Experts = ExpertsOf("mlp"),
            Reads = Counts,
            Write = settings => settings.Integer("num_experts", "expert_count").Integer("num_experts_per_tok", "expert_used_count")
                .Flag("norm_topk_prob", false).Scores(Softmax, Softmax),
        },
        new()
        {
            Name = "gpt-oss",
            HuggingFace = "GptOssForCausalLM",
            ModelType = "gpt_oss",
            Modules =
            [
                ("attn_norm", "input_layernorm"),
                ("post_attention_norm", "post_attention_layernorm"),
                .. Attention,
                ("ffn_gate_inp", "mlp.router"),
            ],
            Vectors = [("attn_sinks.weight", "self_attn.sinks")],
            Experts = [("ffn_down_exps", "mlp.experts.{0}.down_proj")],
            Joins = [new("mlp.experts.{0}.gate_up_proj", ["ffn_gate_exps", "ffn_up_exps"], GgufJoinOrder.InTurn)],
            Reads = [.. Counts, "attention.sliding_window"],
            Write = settings => settings.Integer("num_local_experts", "expert_count").Integer("num_experts_per_tok", "expert_used_count")
                .Integer("sliding_window", "attention.sliding_window").WindowedLayers(),
            // No key says it: edges of yarn are not rounded in any of its models.
            WriteRope = settings => settings.Flag("truncate", false),
        },
        new()
        {
            Name = "ernie4_5-moe",
            HuggingFace = "Ernie4_5_MoeForCausalLM",
            ModelType = "ernie4_5_moe",
            Modules = [.. Dense, ("ffn_gate_inp", "mlp.gate"), .. SharedOf("mlp.shared_experts")],
            Vectors = [(Correction, "mlp.moe_statics.e_score_correction_bias")],
            Experts = ExpertsOf("mlp"),
            BiasKey = "use_bias",
            Reads = [.. SharedCounts, "interleave_moe_layer_step"],
            Write = settings => settings.Integer("moe_num_experts", "expert_count").Integer("moe_k", "expert_used_count")
                .Integer("moe_intermediate_size", "expert_feed_forward_length")
                .Count("moe_num_shared_experts", "expert_shared_count", 0)
                .Count("moe_layer_start_index", "leading_dense_block_count", 0)
                .Integer("moe_layer_interval", "interleave_moe_layer_step", 1)
                .Count("moe_layer_end_index", Enumerable.Range(0, settings.Layers)
                    .LastOrDefault(layer => settings.Has($"blk.{layer}.ffn_gate_exps.weight"), settings.Layers - 1))
                .Scores(Softmax, Softmax),
        },
        new()
        {
            Name = "minimax-m2",
            HuggingFace = "MiniMaxM2ForCausalLM",
            ModelType = "minimax_m2",
            Modules = [.. Before, .. Attention, .. HeadNorms, ("ffn_gate_inp", "block_sparse_moe.gate")],
            Vectors = [(Correction, "block_sparse_moe.e_score_correction_bias")],
            Experts = ExpertsOf("block_sparse_moe", "w1", "w3", "w2"),
            RotatesPart = true,
            Reads = Counts,
            Write = settings => settings.Integer("num_local_experts", "expert_count").Integer("num_experts_per_tok", "expert_used_count")
                .Scores(Sigmoid, Sigmoid),
        },
        new()
        {
            Name = "glm4moe",
            HuggingFace = "Glm4MoeForCausalLM",
            ModelType = "glm4_moe",
            Modules =
            [
                ("attn_norm", "input_layernorm"),
                ("post_attention_norm", "post_attention_layernorm"),
                .. Attention,
                .. HeadNorms,
                .. Gated,
                ("ffn_gate_inp", "mlp.gate"),
                .. SharedOf("mlp.shared_experts"),
            ],
            Vectors = [(Correction, "mlp.gate.e_score_correction_bias")],
            Experts = ExpertsOf("mlp"),
            RotatesPart = true,
            Reads = [.. SharedCounts, .. Weighing, "nextn_predict_layers"],
            Write = settings => WriteShared(settings).Flag("use_qk_norm", settings.Has("blk.0.attn_q_norm.weight"))
                .Scores(Sigmoid, Sigmoid),
        },
        new()
        {
            Name = "deepseek2",
            HuggingFace = "DeepseekV3ForCausalLM",
            ModelType = "deepseek_v3",
            Modules =
            [
                .. Before,
                ("attn_q", "self_attn.q_proj"),
                ("attn_q_a", "self_attn.q_a_proj"),
                ("attn_q_a_norm", "self_attn.q_a_layernorm"),
                ("attn_q_b", "self_attn.q_b_proj"),
                ("attn_kv_a_mqa", "self_attn.kv_a_proj_with_mqa"),
                ("attn_kv_a_norm", "self_attn.kv_a_layernorm"),
                ("attn_kv_b", "self_attn.kv_b_proj"),
                ("attn_output", "self_attn.o_proj"),
                .. Gated,
                ("ffn_gate_inp", "mlp.gate"),
                .. SharedOf("mlp.shared_experts"),
            ],
            Vectors = [(Correction, "mlp.gate.e_score_correction_bias")],
            Experts = ExpertsOf("mlp"),
            Joins = [new("self_attn.kv_b_proj", ["attn_k_b", "attn_v_b"], GgufJoinOrder.KeysAndValuesOfLatent)],
            HasLatent = true,
            Reads =
            [
                .. SharedCounts, .. Weighing, "nextn_predict_layers", "attention.q_lora_rank", "attention.kv_lora_rank", KeyLength,
                ValueLength, LogMultiplier,
            ],
            Write = settings => WriteShared(settings).Integer("q_lora_rank", "attention.q_lora_rank")
                .Integer("kv_lora_rank", "attention.kv_lora_rank").Count("qk_rope_head_dim", settings.HeadDim)
                // Files from before keys and values came apart have the sizes of heads as others do.
                .Count("qk_nope_head_dim", (settings.Read(KeyLength) ?? settings.Read("attention.key_length") ?? 0) - settings.HeadDim)
                .Count("v_head_dim", settings.Read(ValueLength) ?? settings.Read("attention.value_length") ?? 0)
                // Without the key it is DeepSeek-V2, which scores otherwise, but for GLM 4.7, which has 47 layers or 48.
                .Scores(Sigmoid, settings.Layers is 47 or 48 ? Sigmoid : Softmax),
            // As llama.cpp has it, the key is a tenth of the magnitude.
            WriteRope = settings => settings.Product("mscale", LogMultiplier, 10).Product("mscale_all_dim", LogMultiplier, 10),
        },
        new()
        {
            Name = "llama4",
            HuggingFace = "Llama4ForCausalLM",
            ModelType = "llama4_text",
            Modules =
            [
                .. Before,
                .. Attention,
                ("ffn_gate", "feed_forward.gate_proj"),
                ("ffn_up", "feed_forward.up_proj"),
                ("ffn_down", "feed_forward.down_proj"),
                ("ffn_gate_inp", "feed_forward.router"),
                .. SharedOf("feed_forward.shared_expert"),
            ],
            Experts = ExpertsOf("feed_forward"),
            WidthKey = "intermediate_size_mlp",
            Reads = [.. Counts, "interleave_moe_layer_step"],
            // As llama.cpp has it: chunks of 8192 on three of four layers, and heads are normed unless there are 128 experts.
            Write = settings => settings.Integer("num_local_experts", "expert_count").Integer("num_experts_per_tok", "expert_used_count")
                .Integer("intermediate_size", "expert_feed_forward_length")
                .Integer("interleave_moe_layer_step", "interleave_moe_layer_step", 1).Count("attention_chunk_size", 8192)
                .Flag("use_qk_norm", settings.Read("expert_count") != 128).Scores(Sigmoid, Sigmoid),
        },
        new()
        {
            // With experts beside feed-forward blocks, or without.
            Name = "gemma4",
            HuggingFace = "Gemma4ForCausalLM",
            ModelType = "gemma4_text",
            Outer =
            [
                ("token_embd", "model.embed_tokens"),
                ("per_layer_token_embd", "model.embed_tokens_per_layer"),
                ("per_layer_model_proj", "model.per_layer_model_projection"),
                ("per_layer_proj_norm", "model.per_layer_projection_norm"),
                ("output_norm", "model.norm"),
                ("output", "lm_head"),
            ],
            Modules =
            [
                .. GemmaNorms,
                .. Attention,
                .. HeadNorms,
                .. Gated,
                ("inp_gate", "per_layer_input_gate"),
                ("proj", "per_layer_projection"),
                ("post_norm", "post_per_layer_input_norm"),
                ("post_ffw_norm_1", "post_feedforward_layernorm_1"),
                ("pre_ffw_norm_2", "pre_feedforward_layernorm_2"),
                ("post_ffw_norm_2", "post_feedforward_layernorm_2"),
                ("ffn_gate_inp", "router.proj"),
            ],
            Vectors =
            [
                ("layer_output_scale.weight", "layer_scalar"),
                ("ffn_gate_inp.scale", "router.scale"),
                ("ffn_down_exps.scale", "router.per_expert_scale"),
                ("ffn_gate_up_exps.weight", "experts.gate_up_proj"),
                ("ffn_down_exps.weight", "experts.down_proj"),
            ],
            HasWindowedHeads = true,
            HasLocalRope = true,
            LocalTheta = 10000,
            Reads = [.. Counts, "final_logit_softcapping", "attention.sliding_window"],
            Write = settings => WriteGemma4(settings),
        },
    ];

    /// <summary>Experts as in DeepSeek-V3.</summary>
    private static GgufSettings WriteShared(GgufSettings settings) => settings
        .Integer("n_routed_experts", "expert_count").Integer("num_experts_per_tok", "expert_used_count")
        .Integer("moe_intermediate_size", "expert_feed_forward_length").Count("n_shared_experts", "expert_shared_count", 0)
        .Count("first_k_dense_replace", "leading_dense_block_count", 0).Integer("n_group", "expert_group_count", 1)
        .Integer("topk_group", "expert_group_used_count", 1).Flag("norm_topk_prob", "expert_weights_norm", false)
        .Number("routed_scaling_factor", "expert_weights_scale", 1);

    private static void WriteGemma4(GgufSettings settings)
    {
        int last = settings.Layers - 1;
        ImmutableArray<int> widths = settings.EachLayer("feed_forward_length");
        bool hasExperts = settings.HasAny("ffn_gate_inp.weight");
        settings.Text("hidden_activation", "gelu_pytorch_tanh")
            .Kinds("layer_types", layer => settings.HasWindow(layer) ? "sliding_attention" : "full_attention")
            .Integer("sliding_window", "attention.sliding_window").Number("final_logit_softcapping", "final_logit_softcapping", null)
            .Integer("global_head_dim", "attention.key_length")
            // The last layer is always a full one.
            .Count("num_global_key_value_heads", settings.EachLayer("attention.head_count_kv")[last])
            .Flag("attention_k_eq_v", Enumerable.Range(0, settings.Layers)
                .Any(layer => !settings.HasWindow(layer) && !settings.SharesKeys(layer) && !settings.Has($"blk.{layer}.attn_v.weight")))
            .Count("num_kv_shared_layers", "attention.shared_kv_layers", 0)
            .Flag("use_double_wide_mlp", settings.SharesKeys(last) && widths[last] == 2 * settings.Width)
            .Count("hidden_size_per_layer_input", "embedding_length_per_layer_input", 0)
            .Count("vocab_size_per_layer_input", settings.Vocabulary).Flag("enable_moe_block", hasExperts);
        if (hasExperts)
        {
            settings.Integer("num_experts", "expert_count").Integer("top_k_experts", "expert_used_count")
                .Integer("moe_intermediate_size", "expert_feed_forward_length");
        }
    }
}
