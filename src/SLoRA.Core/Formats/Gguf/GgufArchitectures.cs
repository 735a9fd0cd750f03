using System.Collections.Frozen;
using System.Collections.Immutable;

namespace SLoRA.Formats.Gguf;

/// <summary>The architectures that are read: what each of them calls its tensors and which of its keys say what.</summary>
internal static class GgufArchitectures
{
    private static readonly ImmutableArray<(string Gguf, string HuggingFace)> Attention =
    [
        ("attn_q", "self_attn.q_proj"),
        ("attn_k", "self_attn.k_proj"),
        ("attn_v", "self_attn.v_proj"),
        ("attn_output", "self_attn.o_proj"),
    ];

    private static readonly ImmutableArray<(string Gguf, string HuggingFace)> HeadNorms =
    [
        ("attn_q_norm", "self_attn.q_norm"),
        ("attn_k_norm", "self_attn.k_norm"),
    ];

    private static readonly ImmutableArray<(string Gguf, string HuggingFace)> Before =
    [
        ("attn_norm", "input_layernorm"),
        ("ffn_norm", "post_attention_layernorm"),
    ];

    private static readonly ImmutableArray<(string Gguf, string HuggingFace)> Behind =
    [
        ("post_attention_norm", "post_attention_layernorm"),
        ("post_ffw_norm", "post_feedforward_layernorm"),
    ];

    private static readonly ImmutableArray<(string Gguf, string HuggingFace)> Gated =
    [
        ("ffn_gate", "mlp.gate_proj"),
        ("ffn_up", "mlp.up_proj"),
        ("ffn_down", "mlp.down_proj"),
    ];

    private static readonly ImmutableArray<(string Gguf, string HuggingFace)> FusedGate =
    [
        ("ffn_up", "mlp.gate_up_proj"),
        ("ffn_down", "mlp.down_proj"),
    ];

    private static readonly ImmutableArray<(string Gguf, string HuggingFace)> Dense = [.. Before, .. Attention, .. Gated];

    private static readonly ImmutableArray<(string Gguf, string HuggingFace)> GemmaNorms =
    [
        ("attn_norm", "input_layernorm"),
        ("post_attention_norm", "post_attention_layernorm"),
        ("ffn_norm", "pre_feedforward_layernorm"),
        ("post_ffw_norm", "post_feedforward_layernorm"),
    ];

    private static readonly GgufArchitecture[] All =
    [
        new() { Name = "llama", HuggingFace = "LlamaForCausalLM", ModelType = "llama", Modules = Dense, PermutesHeads = true },
        new()
        {
            // As llama, and told from it by the number of experts.
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
            Reads = ["expert_count", "expert_used_count"],
            Write = settings => settings.Integer("num_local_experts", "expert_count").Integer("num_experts_per_tok", "expert_used_count"),
        },
        new() { Name = "qwen2", HuggingFace = "Qwen2ForCausalLM", ModelType = "qwen2", Modules = Dense, BiasKey = null },
        new() { Name = "qwen3", HuggingFace = "Qwen3ForCausalLM", ModelType = "qwen3", Modules = [.. Dense, .. HeadNorms] },
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
            Name = "gemma",
            HuggingFace = "GemmaForCausalLM",
            ModelType = "gemma",
            Modules = Dense,
            StoresNormsPlusOne = true,
            Write = settings => settings.Text("hidden_activation", "gelu_pytorch_tanh"),
        },
        new()
        {
            Name = "gemma2",
            HuggingFace = "Gemma2ForCausalLM",
            ModelType = "gemma2",
            Modules = [.. GemmaNorms, .. Attention, .. Gated],
            StoresNormsPlusOne = true,
            Reads = ["attn_logit_softcapping", "final_logit_softcapping", "attention.sliding_window"],
            Write = settings => settings.Number("attn_logit_softcapping", "attn_logit_softcapping", 50)
                .Number("final_logit_softcapping", "final_logit_softcapping", 30)
                .Integer("sliding_window", "attention.sliding_window", otherwise: 4096)
                // No key says it: of the one with 46 layers it is the width over the heads.
                .Number("query_pre_attn_scalar", settings.Layers == 46 ? (double)settings.Hidden / settings.Heads : settings.HeadDim),
        },
        new()
        {
            Name = "gemma3",
            HuggingFace = "Gemma3ForCausalLM",
            ModelType = "gemma3_text",
            Modules = [.. GemmaNorms, .. Attention, .. HeadNorms, .. Gated],
            StoresNormsPlusOne = true,
            Reads = ["final_logit_softcapping", "attention.sliding_window"],
            LocalTheta = 10000,
            Write = settings => settings.Number("final_logit_softcapping", "final_logit_softcapping", null)
                .Integer("sliding_window", "attention.sliding_window")
                // The same, with 62 layers.
                .Number("query_pre_attn_scalar", settings.Layers == 62 ? (double)settings.Hidden / settings.Heads : settings.HeadDim),
        },
        new()
        {
            Name = "phi3",
            HuggingFace = "Phi3ForCausalLM",
            ModelType = "phi3",
            Modules = [.. Before, ("attn_qkv", "self_attn.qkv_proj"), ("attn_output", "self_attn.o_proj"), .. FusedGate],
            RotatesPart = true,
            Reads = ["attention.sliding_window"],
            Write = settings => settings.Integer("sliding_window", "attention.sliding_window"),
        },
        new()
        {
            Name = "olmo2",
            HuggingFace = "Olmo2ForCausalLM",
            ModelType = "olmo2",
            Modules = [.. Behind, .. Attention, .. HeadNorms, .. Gated],
        },
        new()
        {
            Name = "granite",
            HuggingFace = "GraniteForCausalLM",
            ModelType = "granite",
            Modules = Dense,
            PermutesHeads = true,
            Reads = ["attention.scale", "embedding_scale", "residual_scale", "logit_scale"],
            Write = settings => settings.Number("attention_multiplier", "attention.scale", null)
                .Number("embedding_multiplier", "embedding_scale", null).Number("residual_multiplier", "residual_scale", null)
                .Number("logits_scaling", "logit_scale", null),
        },
        new() { Name = "smollm3", HuggingFace = "SmolLM3ForCausalLM", ModelType = "smollm3", Modules = Dense, PermutesHeads = true },
        new()
        {
            Name = "glm4",
            HuggingFace = "Glm4ForCausalLM",
            ModelType = "glm4",
            Modules =
            [
                ("attn_norm", "input_layernorm"),
                ("post_attention_norm", "post_self_attn_layernorm"),
                ("ffn_norm", "post_attention_layernorm"),
                ("post_ffw_norm", "post_mlp_layernorm"),
                .. Attention,
                .. FusedGate,
            ],
            RotatesPart = true,
        },
        new()
        {
            Name = "cohere2",
            HuggingFace = "Cohere2ForCausalLM",
            ModelType = "cohere2",
            Modules = [("attn_norm", "input_layernorm"), .. Attention, .. Gated],
            LayerNormKey = "layer_norm_eps",
            Reads = ["logit_scale", "attention.sliding_window"],
            Write = settings => settings.Number("logit_scale", "logit_scale", null).Integer("sliding_window", "attention.sliding_window"),
        },
        new()
        {
            Name = "starcoder2",
            HuggingFace = "Starcoder2ForCausalLM",
            ModelType = "starcoder2",
            Modules = [.. Before, .. Attention, ("ffn_up", "mlp.c_fc"), ("ffn_down", "mlp.c_proj")],
            LayerNormKey = "norm_epsilon",
            BiasKey = "use_bias",
        },
        new()
        {
            Name = "nemotron",
            HuggingFace = "NemotronForCausalLM",
            ModelType = "nemotron",
            Modules = [.. Before, .. Attention, ("ffn_up", "mlp.up_proj"), ("ffn_down", "mlp.down_proj")],
            LayerNormKey = "norm_eps",
            StoresNormsPlusOne = true,
            RotatesPart = true,
        },
        new()
        {
            Name = "ernie4_5",
            HuggingFace = "Ernie4_5ForCausalLM",
            ModelType = "ernie4_5",
            Modules = Dense,
            BiasKey = "use_bias",
        },
    ];

    private static readonly FrozenDictionary<string, GgufArchitecture> ByClass =
        All.ToFrozenDictionary(architecture => architecture.HuggingFace, StringComparer.Ordinal);

    /// <summary>Their names.</summary>
    public static IEnumerable<string> Names => All.Select(architecture => architecture.Name).Distinct().Order(StringComparer.Ordinal);

    /// <summary>The architecture of this name; null if it is not read.</summary>
    /// <param name="name">What <c>general.architecture</c> says.</param>
    /// <param name="hasExperts">Whether there are experts.</param>
    public static GgufArchitecture? Of(string name, bool hasExperts) =>
        All.Where(architecture => architecture.Name == name).MaxBy(architecture => architecture.Experts.IsEmpty != hasExperts);

    /// <summary>The architecture that models of a class of Hugging Face have in GGUF files; null where there is none.</summary>
    public static GgufArchitecture? OfClass(string huggingFace) =>
        // Mistral's models, which differ by their window alone, are written as Llama's.
        ByClass.GetValueOrDefault(huggingFace == "MistralForCausalLM" ? "LlamaForCausalLM" : huggingFace);

    private static ImmutableArray<(string Gguf, string HuggingFace)> ExpertsOf(string block) =>
    [
        ("ffn_gate_exps", block + ".experts.{0}.gate_proj"),
        ("ffn_up_exps", block + ".experts.{0}.up_proj"),
        ("ffn_down_exps", block + ".experts.{0}.down_proj"),
    ];
}
