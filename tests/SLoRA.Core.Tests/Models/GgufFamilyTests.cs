using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using NUnit.Framework;
using SLoRA.Core.Tests.Adapters;
using SLoRA.Core.Tests.Engine;
using SLoRA.Core.Tests.Formats;
using SLoRA.Formats;
using SLoRA.Models;
using SLoRA.Models.Families;
using SLoRA.Requests;

namespace SLoRA.Core.Tests.Models;

/// <summary>
/// The same made-up weights as a folder of Hugging Face and as llama.cpp's converter writes them, names, order of rows and shifted norms:
/// logits are the same, with and without an adapter.
/// </summary>
[Parallelizable(ParallelScope.All)]
internal sealed class GgufFamilyTests
{
    private const int Layers = 4;
    private const int Heads = 4;
    private const int HeadDim = 16;
    private const int Vocabulary = 61;

    private static readonly Dictionary<string, string> Outer = new()
    {
        ["model.embed_tokens"] = "token_embd",
        ["model.norm"] = "output_norm",
        ["lm_head"] = "output",
    };

    private static readonly Family[] Families =
    [
        new("gemma", "GemmaForCausalLM", "gemma", Names("input_layernorm attn_norm, post_attention_layernorm ffn_norm", Attention, Mlp))
        {
            PlusOne = true,
            Tied = true,
            Setting = """ "hidden_act": "gelu" """,
        },
        new("gemma2", "Gemma2ForCausalLM", "gemma2", Names(FourNorms, Attention, Mlp))
        {
            PlusOne = true,
            Tied = true,
            Setting = """
                "attn_logit_softcapping": 5, "final_logit_softcapping": 9, "query_pre_attn_scalar": 16, "sliding_window": 9
                """,
            Keys = [("attn_logit_softcapping", 5f), ("final_logit_softcapping", 9f), ("attention.sliding_window", 9u)],
        },
        new("gemma3", "Gemma3ForCausalLM", "gemma3_text", Names(FourNorms, Attention, Mlp, HeadNorms))
        {
            PlusOne = true,
            Tied = true,
            Layers = 7,
            Setting = """
                "query_pre_attn_scalar": 16, "sliding_window": 9, "rope_parameters": {
                  "full_attention": { "rope_type": "linear", "factor": 8, "rope_theta": 1000000 },
                  "sliding_attention": { "rope_type": "default", "rope_theta": 10000 } }
                """,
            Keys =
            [
                ("attention.sliding_window", 9u), ("rope.freq_base", 1000000f), ("rope.scaling.type", "linear"),
                ("rope.scaling.factor", 8f),
            ],
        },
        new("phi3", "Phi3ForCausalLM", "phi3", Names(
            "input_layernorm attn_norm, post_attention_layernorm ffn_norm",
            "self_attn.qkv_proj attn_qkv, self_attn.o_proj attn_output, mlp.gate_up_proj ffn_up, mlp.down_proj ffn_down"))
        {
            Setting = """ "sliding_window": 9, "partial_rotary_factor": 0.75, "original_max_position_embeddings": 128 """,
            Keys =
            [
                ("attention.sliding_window", 9u), ("rope.dimension_count", 12u), ("rope.scaling.original_context_length", 128u),
            ],
        },
        new("olmo2", "Olmo2ForCausalLM", "olmo2", Names(
            "post_attention_layernorm post_attention_norm, post_feedforward_layernorm post_ffw_norm", Attention, Mlp, HeadNorms)),
        new("granite", "GraniteForCausalLM", "granite", Names(
            "input_layernorm attn_norm, post_attention_layernorm ffn_norm", Attention, Mlp))
        {
            Permutes = true,
            Setting = """
                "attention_multiplier": 0.2, "embedding_multiplier": 6, "residual_multiplier": 0.4, "logits_scaling": 4
                """,
            Keys = [("attention.scale", 0.2f), ("embedding_scale", 6f), ("residual_scale", 0.4f), ("logit_scale", 4f)],
        },
        new("smollm3", "SmolLM3ForCausalLM", "smollm3", Names(
            "input_layernorm attn_norm, post_attention_layernorm ffn_norm", Attention, Mlp))
        {
            Permutes = true,
            Tied = true,
        },
        new("glm4", "Glm4ForCausalLM", "glm4", Names(
            "input_layernorm attn_norm, post_self_attn_layernorm post_attention_norm, post_attention_layernorm ffn_norm, "
                + "post_mlp_layernorm post_ffw_norm",
            Attention, "mlp.gate_up_proj ffn_up, mlp.down_proj ffn_down"))
        {
            Setting = """ "attention_bias": true, "partial_rotary_factor": 0.5 """,
            Keys = [("rope.dimension_count", 8u)],
        },
        new("cohere2", "Cohere2ForCausalLM", "cohere2", Names("input_layernorm attn_norm", Attention, Mlp))
        {
            Tied = true,
            Epsilon = "layer_norm_eps",
            Setting = """ "logit_scale": 0.25, "sliding_window": 9 """,
            Keys = [("logit_scale", 0.25f), ("attention.sliding_window", 9u)],
        },
        new("starcoder2", "Starcoder2ForCausalLM", "starcoder2", Names(
            "input_layernorm attn_norm, post_attention_layernorm ffn_norm", Attention, "mlp.c_fc ffn_up, mlp.c_proj ffn_down"))
        {
            Epsilon = "norm_epsilon",
        },
        new("nemotron", "NemotronForCausalLM", "nemotron", Names(
            "input_layernorm attn_norm, post_attention_layernorm ffn_norm", Attention, "mlp.up_proj ffn_up, mlp.down_proj ffn_down"))
        {
            PlusOne = true,
            Epsilon = "norm_eps",
            Setting = """ "partial_rotary_factor": 0.5 """,
            Keys = [("rope.dimension_count", 8u)],
        },
        new("ernie4_5", "Ernie4_5ForCausalLM", "ernie4_5", Names(
            "input_layernorm attn_norm, post_attention_layernorm ffn_norm", Attention, Mlp))
        {
            Tied = true,
            Setting = """ "use_bias": false """,
        },
        new("qwen3moe", "Qwen3MoeForCausalLM", "qwen3_moe", Names(
            "input_layernorm attn_norm, post_attention_layernorm ffn_norm, mlp.gate ffn_gate_inp", Attention, Mlp, HeadNorms,
            "mlp.experts.gate_proj ffn_gate_exps, mlp.experts.up_proj ffn_up_exps, mlp.experts.down_proj ffn_down_exps"))
        {
            Setting = """
                "num_experts": 6, "num_experts_per_tok": 2, "moe_intermediate_size": 20, "norm_topk_prob": true, "mlp_only_layers": [1]
                """,
            Keys = [("expert_count", 6u), ("expert_used_count", 2u), ("expert_feed_forward_length", 20u)],
        },
        new("llama", "MixtralForCausalLM", "mixtral", Names(
            "input_layernorm attn_norm, post_attention_layernorm ffn_norm, block_sparse_moe.gate ffn_gate_inp", Attention,
            "block_sparse_moe.experts.w1 ffn_gate_exps, block_sparse_moe.experts.w2 ffn_down_exps, "
                + "block_sparse_moe.experts.w3 ffn_up_exps"))
        {
            Permutes = true,
            Setting = """ "num_local_experts": 4, "num_experts_per_tok": 2 """,
            Keys = [("expert_count", 4u), ("expert_used_count", 2u)],
        },
    ];

    private const string Attention =
        "self_attn.q_proj attn_q, self_attn.k_proj attn_k, self_attn.v_proj attn_v, self_attn.o_proj attn_output";

    private const string Mlp = "mlp.gate_proj ffn_gate, mlp.up_proj ffn_up, mlp.down_proj ffn_down";

    private const string HeadNorms = "self_attn.q_norm attn_q_norm, self_attn.k_norm attn_k_norm";

    private const string FourNorms = "input_layernorm attn_norm, post_attention_layernorm post_attention_norm, "
        + "pre_feedforward_layernorm ffn_norm, post_feedforward_layernorm post_ffw_norm";

    private static IEnumerable<TestCaseData> Cases => Families.Select(family => new TestCaseData(family).SetArgDisplayNames(family.Class));

    [TestCaseSource(nameof(Cases))]
    public void Logits_are_those_of_the_folder_with_the_same_weights(Family family)
    {
        DecoderModules modules =
            DecoderModules.Of(DecoderFamilies.Describe(ConfigDocument.Parse(Encoding.UTF8.GetBytes(family.Config), "config.json")));
        var random = new Random(3);
        var tensors = modules.Tensors.Where(tensor => !(family.Tied && tensor.Name.StartsWith("lm_head", StringComparison.Ordinal)))
            .ToDictionary(tensor => tensor.Name, tensor => (Shape: tensor.Shape.ToArray(), Values: Values(tensor, family, random)));
        using var folder = new TemporaryFolder();
        folder.Write("config.json", family.Config);
        folder.Write("model.safetensors", SafetensorsWriter.Write(
            tensors.Select(tensor => (tensor.Key, "F32", tensor.Value.Shape, Bytes(tensor.Value.Values)))));
        string gguf = folder.Write("model.gguf", Gguf(family, tensors));
        using var adapter = new TemporaryFolder();
        TestAdapter.For(
            modules.Targets.Where(target => target is { Kind: TargetKind.Linear, IsTarget: true, Layer: 1 }), _ => 3, _ => TensorType.F32)
            .Write(adapter.Path);

        LogitsValues expected = Logits(folder.Path, null, adapter.Path), actual = Logits(gguf, null, adapter.Path);
        Assert.That(actual.LargestDifference(expected), Is.LessThan(2e-5f));
        LogitsValues adapted = Logits(folder.Path, "tenant", adapter.Path);
        Assert.That(Logits(gguf, "tenant", adapter.Path).LargestDifference(adapted), Is.LessThan(1e-3f));
        Assert.That(adapted.LargestDifference(expected), Is.GreaterThan(0.01f));
    }

    private static LogitsValues Logits(string model, string? adapter, string folder)
    {
        var logits = new LogitsValues();
        using var engine = new SteppedEngine(builder => builder.UseModel(model).UseCpu().ConfigurePool(pool => pool.Bytes = 8L << 20)
            .AddAdapter("tenant", folder));
        engine.Finish(engine.Ask(new GenerationRequest
        {
            Prompt = (int[])[.. Enumerable.Range(0, 30).Select(i => i * 31 % Vocabulary)],
            MaxTokens = 1,
            Adapter = adapter,
            Tap = logits,
            IgnoreEndOfText = true,
        }));
        return logits;
    }

    private static float[] Values(ExpectedTensor tensor, Family family, Random random)
    {
        bool isNorm = tensor.Shape.Length == 1 && tensor.Name.EndsWith("norm.weight", StringComparison.Ordinal);
        return
        [
            .. Enumerable.Range(0, (int)tensor.ElementCount)
                .Select(_ => ((random.NextSingle() - 0.5f) * 0.4f) + (isNorm && !family.PlusOne ? 1 : 0)),
        ];
    }

    private static byte[] Gguf(Family family, Dictionary<string, (long[] Shape, float[] Values)> tensors)
    {
        string name = family.Name;
        GgufWriter writer = new GgufWriter().Key("general.architecture", name).Key(name + ".block_count", (uint)family.Layers)
            .Key(name + ".context_length", 128u).Key(name + ".embedding_length", 32u).Key(name + ".feed_forward_length", 48u)
            .Key(name + ".attention.head_count", (uint)Heads).Key(name + ".attention.head_count_kv", 2u)
            .Key(name + ".attention.key_length", (uint)HeadDim).Key(name + ".attention.value_length", (uint)HeadDim)
            .Key(name + ".vocab_size", (uint)Vocabulary);
        writer.Key(name + (family.Epsilon is null ? ".attention.layer_norm_rms_epsilon" : ".attention.layer_norm_epsilon"), 1e-5f);
        foreach ((string key, object value) in family.Keys)
        {
            _ = value switch
            {
                uint number => writer.Key($"{name}.{key}", number),
                float number => writer.Key($"{name}.{key}", number),
                _ => writer.Key($"{name}.{key}", (string)value),
            };
        }

        var experts = new SortedDictionary<string, SortedDictionary<int, (long[] Shape, float[] Values)>>(StringComparer.Ordinal);
        foreach ((string tensor, (long[] shape, float[] values)) in tensors)
        {
            int dot = tensor.LastIndexOf('.');
            (string module, string suffix) = (tensor[..dot], tensor[dot..]);
            if (Outer.TryGetValue(module, out string? outer))
            {
                writer.Tensor(outer + suffix, 0, Bytes(Shifted(outer + suffix)), shape);
                continue;
            }

            string[] parts = module.Split('.', 4);
            int at = parts[3].IndexOf(".experts.", StringComparison.Ordinal);
            if (at >= 0)
            {
                string[] inner = parts[3][(at + ".experts.".Length)..].Split('.');
                string stacked = $"blk.{parts[2]}.{family.Modules[$"{parts[3][..at]}.experts.{inner[1]}"]}.weight";
                experts.TryAdd(stacked, []);
                experts[stacked].Add(int.Parse(inner[0], System.Globalization.CultureInfo.InvariantCulture), (shape, values));
                continue;
            }

            string gguf = family.Modules[parts[3]];
            float[] stored = gguf is "attn_q" or "attn_k" && family.Permutes ? Permuted(values, values.Length / (int)shape[0])
                : Shifted(gguf + suffix);
            writer.Tensor($"blk.{parts[2]}.{gguf}{suffix}", 0, Bytes(stored), shape);

            float[] Shifted(string name) => family.PlusOne && name.EndsWith("norm.weight", StringComparison.Ordinal)
                ? [.. values.Select(value => value + 1)]
                : values;
        }

        foreach ((string stacked, SortedDictionary<int, (long[] Shape, float[] Values)> each) in experts)
        {
            writer.Tensor(
                stacked, 0, Bytes([.. each.Values.SelectMany(expert => expert.Values)]), [each.Count, .. each[0].Shape]);
        }

        return writer.Write();
    }

    /// <summary>Rows of heads so that neighbours rotate together: row 2 i + j is row i + j · d/2.</summary>
    private static float[] Permuted(float[] values, int columns)
    {
        var result = new float[values.Length];
        for (int row = 0; row < values.Length / columns; row++)
        {
            int head = row / HeadDim, within = row % HeadDim;
            int from = (head * HeadDim) + (within / 2) + (within % 2 * (HeadDim / 2));
            values.AsSpan(from * columns, columns).CopyTo(result.AsSpan(row * columns));
        }

        return result;
    }

    private static byte[] Bytes(float[] values) => MemoryMarshal.AsBytes<float>(values).ToArray();

    private static Dictionary<string, string> Names(params string[] lists) => lists.SelectMany(list => list.Split(", "))
        .Select(pair => pair.Split(' ')).ToDictionary(pair => pair[0], pair => pair[1]);

    /// <summary>How a family is written.</summary>
    internal sealed record Family(string Name, string Class, string Type, Dictionary<string, string> Modules)
    {
        public bool Permutes { get; init; }

        public bool PlusOne { get; init; }

        public bool Tied { get; init; }

        public int Layers { get; init; } = GgufFamilyTests.Layers;

        public string? Epsilon { get; init; }

        public string Setting { get; init; } = """ "use_cache": true """;

        public (string Key, object Value)[] Keys { get; init; } = [];

        public string Config
        {
            get
            {
                JsonObject config = JsonNode.Parse("{" + Setting + "}")!.AsObject();
                config["architectures"] = new JsonArray(Class);
                config["model_type"] = Type;
                config["dtype"] = "float32";
                config["vocab_size"] = Vocabulary;
                config["hidden_size"] = 32;
                config["intermediate_size"] = 48;
                config["num_hidden_layers"] = Layers;
                config["num_attention_heads"] = Heads;
                config["num_key_value_heads"] = 2;
                config["head_dim"] = HeadDim;
                config["max_position_embeddings"] = 128;
                config["tie_word_embeddings"] = Tied;
                config[Epsilon ?? "rms_norm_eps"] = 1e-5;
                if (!config.ContainsKey("rope_parameters"))
                {
                    config["rope_theta"] = 10000;
                }

                return config.ToJsonString();
            }
        }
    }

    private sealed class LogitsValues : LogitsTap
    {
        private readonly SortedDictionary<int, float[]> _rows = [];

        public override bool WholePrompt => true;

        public override void Take(int position, ReadOnlySpan<float> logits) => _rows.Add(position, logits.ToArray());

        public float LargestDifference(LogitsValues other)
        {
            Assert.That(_rows.Keys, Is.EqualTo(other._rows.Keys).And.Count.EqualTo(30));
            return _rows.Max(row => row.Value.Zip(other._rows[row.Key], (a, b) => MathF.Abs(a - b)).Max());
        }
    }
}
