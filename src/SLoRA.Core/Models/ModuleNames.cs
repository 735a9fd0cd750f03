namespace SLoRA.Models;

/// <summary>What Hugging Face calls the modules of a decoder. A module's tensors are its name and <c>.weight</c> or <c>.bias</c>.</summary>
internal static class ModuleNames
{
    public const string Embedding = "model.embed_tokens";
    public const string FinalNorm = "model.norm";
    public const string Head = "lm_head";

    public static string AttentionNorm(int layer) => $"model.layers.{layer}.input_layernorm";

    public static string MlpNorm(int layer) => $"model.layers.{layer}.post_attention_layernorm";

    public static string Query(int layer) => $"model.layers.{layer}.self_attn.q_proj";

    public static string Key(int layer) => $"model.layers.{layer}.self_attn.k_proj";

    public static string Value(int layer) => $"model.layers.{layer}.self_attn.v_proj";

    public static string Output(int layer) => $"model.layers.{layer}.self_attn.o_proj";

    public static string QueryNorm(int layer) => $"model.layers.{layer}.self_attn.q_norm";

    public static string KeyNorm(int layer) => $"model.layers.{layer}.self_attn.k_norm";

    public static string Gate(int layer) => $"model.layers.{layer}.mlp.gate_proj";

    public static string Up(int layer) => $"model.layers.{layer}.mlp.up_proj";

    public static string Down(int layer) => $"model.layers.{layer}.mlp.down_proj";
}
