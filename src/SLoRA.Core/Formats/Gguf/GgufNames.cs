using System.Collections.Immutable;

namespace SLoRA.Formats.Gguf;

/// <summary>What modules are called that many architectures have, in files and in Hugging Face.</summary>
internal static class GgufNames
{
    /// <summary>Projections of attention.</summary>
    public static readonly ImmutableArray<(string Gguf, string HuggingFace)> Attention =
    [
        ("attn_q", "self_attn.q_proj"),
        ("attn_k", "self_attn.k_proj"),
        ("attn_v", "self_attn.v_proj"),
        ("attn_output", "self_attn.o_proj"),
    ];

    /// <summary>Norms of queries and keys.</summary>
    public static readonly ImmutableArray<(string Gguf, string HuggingFace)> HeadNorms =
    [
        ("attn_q_norm", "self_attn.q_norm"),
        ("attn_k_norm", "self_attn.k_norm"),
    ];

    /// <summary>Norms before both blocks.</summary>
    public static readonly ImmutableArray<(string Gguf, string HuggingFace)> Before =
    [
        ("attn_norm", "input_layernorm"),
        ("ffn_norm", "post_attention_layernorm"),
    ];

    /// <summary>Norms behind both blocks.</summary>
    public static readonly ImmutableArray<(string Gguf, string HuggingFace)> Behind =
    [
        ("post_attention_norm", "post_attention_layernorm"),
        ("post_ffw_norm", "post_feedforward_layernorm"),
    ];

    /// <summary>A gated feed-forward block.</summary>
    public static readonly ImmutableArray<(string Gguf, string HuggingFace)> Gated =
    [
        ("ffn_gate", "mlp.gate_proj"),
        ("ffn_up", "mlp.up_proj"),
        ("ffn_down", "mlp.down_proj"),
    ];

    /// <summary>The same with gate and up in one.</summary>
    public static readonly ImmutableArray<(string Gguf, string HuggingFace)> FusedGate =
    [
        ("ffn_up", "mlp.gate_up_proj"),
        ("ffn_down", "mlp.down_proj"),
    ];

    /// <summary>A layer as in Llama.</summary>
    public static readonly ImmutableArray<(string Gguf, string HuggingFace)> Dense = [.. Before, .. Attention, .. Gated];

    /// <summary>Norms before and behind both blocks.</summary>
    public static readonly ImmutableArray<(string Gguf, string HuggingFace)> GemmaNorms =
    [
        ("attn_norm", "input_layernorm"),
        ("post_attention_norm", "post_attention_layernorm"),
        ("ffn_norm", "pre_feedforward_layernorm"),
        ("post_ffw_norm", "post_feedforward_layernorm"),
    ];

    /// <summary>Experts of a block, by what Hugging Face calls the block and their parts.</summary>
    public static ImmutableArray<(string Gguf, string HuggingFace)> ExpertsOf(
        string block, string gate = "gate_proj", string up = "up_proj", string down = "down_proj") =>
    [
        ("ffn_gate_exps", $"{block}.experts.{{0}}.{gate}"),
        ("ffn_up_exps", $"{block}.experts.{{0}}.{up}"),
        ("ffn_down_exps", $"{block}.experts.{{0}}.{down}"),
    ];

    /// <summary>An expert that all rows go through.</summary>
    public static ImmutableArray<(string Gguf, string HuggingFace)> SharedOf(string name) =>
    [
        ("ffn_gate_shexp", $"{name}.gate_proj"),
        ("ffn_up_shexp", $"{name}.up_proj"),
        ("ffn_down_shexp", $"{name}.down_proj"),
    ];
}
