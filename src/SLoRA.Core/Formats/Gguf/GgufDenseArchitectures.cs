using System.Collections.Immutable;
using static SLoRA.Formats.Gguf.GgufNames;

namespace SLoRA.Formats.Gguf;

/// <summary>Architectures of attention and feed-forward blocks.</summary>
internal static class GgufDenseArchitectures
{
    private const string TemperatureScale = "attention.temperature_scale";
    private const string LogMultiplier = "rope.scaling.yarn_log_multiplier";

    /// <summary>All of them.</summary>
    public static readonly ImmutableArray<GgufArchitecture> All =
    [
        new() { Name = "llama", HuggingFace = "LlamaForCausalLM", ModelType = "llama", Modules = Dense, PermutesHeads = true },
        new() { Name = "qwen2", HuggingFace = "Qwen2ForCausalLM", ModelType = "qwen2", Modules = Dense, BiasKey = null },
        new() { Name = "qwen3", HuggingFace = "Qwen3ForCausalLM", ModelType = "qwen3", Modules = [.. Dense, .. HeadNorms] },
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
            HasLocalRope = true,
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
        new()
        {
            Name = "mistral3",
            HuggingFace = "LlamaForCausalLM",
            ModelType = "llama",
            Modules = Dense,
            PermutesHeads = true,
        },
        new()
        {
            Name = "mistral3",
            HuggingFace = "Ministral3ForCausalLM",
            ModelType = "ministral3",
            Modules = Dense,
            PermutesHeads = true,
            Tells = metadata => metadata.IsOn("mistral3." + TemperatureScale),
            Reads = [TemperatureScale, LogMultiplier],
            WriteRope = settings => settings.Number("llama_4_scaling_beta", TemperatureScale, null).Number("mscale", 1)
                .Number("mscale_all_dim", LogMultiplier, null),
        },
        new()
        {
            // As olmo2, and told from it by the window.
            Name = "olmo2",
            HuggingFace = "Olmo3ForCausalLM",
            ModelType = "olmo3",
            Modules = [.. Behind, .. Attention, .. HeadNorms, .. Gated],
            Tells = metadata => metadata.IsOn("olmo2.attention.sliding_window"),
            HasLocalRope = true,
            Reads = ["attention.sliding_window"],
            Write = settings => settings.Integer("sliding_window", "attention.sliding_window").WindowedLayers(),
        },
        new()
        {
            Name = "exaone4",
            HuggingFace = "Exaone4ForCausalLM",
            ModelType = "exaone4",
            Modules = [.. Behind, .. Attention, .. HeadNorms, .. Gated],
            Reads = ["attention.sliding_window"],
            // No key says it: the one with 64 layers has a window.
            Write = settings => settings
                .Integer("sliding_window", "attention.sliding_window", otherwise: settings.Layers == 64 ? 4096 : null).WindowedLayers(),
        },
        new()
        {
            Name = "seed_oss",
            HuggingFace = "SeedOssForCausalLM",
            ModelType = "seed_oss",
            Modules =
            [
                ("attn_norm", "input_layernorm"),
                ("post_attention_norm", "post_attention_layernorm"),
                .. Attention,
                .. Gated,
            ],
            Write = settings => settings.Flag("attention_out_bias", settings.Has("blk.0.attn_output.bias")),
        },
        new()
        {
            Name = "hunyuan-dense",
            HuggingFace = "HunYuanDenseV1ForCausalLM",
            ModelType = "hunyuan_v1_dense",
            Modules =
            [
                .. Dense,
                ("attn_q_norm", "self_attn.query_layernorm"),
                ("attn_k_norm", "self_attn.key_layernorm"),
            ],
        },
        new()
        {
            Name = "apertus",
            HuggingFace = "ApertusForCausalLM",
            ModelType = "apertus",
            Modules =
            [
                ("attn_norm", "attention_layernorm"),
                ("ffn_norm", "feedforward_layernorm"),
                .. Attention,
                .. HeadNorms,
                ("ffn_up", "mlp.up_proj"),
                ("ffn_down", "mlp.down_proj"),
            ],
            Numbers =
            [
                ("xielu.alpha_n", "mlp.act_fn.alpha_n"),
                ("xielu.alpha_p", "mlp.act_fn.alpha_p"),
                ("xielu.beta", "mlp.act_fn.beta"),
                ("xielu.eps", "mlp.act_fn.eps"),
            ],
            Write = settings => settings.Text("hidden_act", "xielu"),
        },
    ];
}
