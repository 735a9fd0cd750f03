using System.Text;
using System.Text.Json.Nodes;
using NUnit.Framework;
using SLoRA.Formats;
using SLoRA.Models.Blocks;
using SLoRA.Models.Families;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Models.Families;

internal sealed class DecoderFamiliesTests
{
    [Test]
    public void Llama_with_grouped_queries()
    {
        DecoderDescription decoder = Fixture("core-llama-gqa");
        AttentionBlock attention = decoder.Layers[0].Attention;
        Assert.Multiple(() =>
        {
            Assert.That(decoder.Architecture, Is.EqualTo("LlamaForCausalLM"));
            Assert.That((decoder.VocabularySize, decoder.HiddenSize, decoder.ContextLength), Is.EqualTo((261, 64, 256)));
            Assert.That(decoder.FinalNorm.Epsilon, Is.EqualTo(1e-5f));
            Assert.That(decoder.TiedEmbeddings, Is.False);
            Assert.That(decoder.WeightType, Is.EqualTo(TensorType.F32));
            Assert.That(decoder.Layers, Has.Length.EqualTo(3));
            Assert.That(decoder.Layers[0].Mlp,
                Is.EqualTo(new GatedMlpBlock { HiddenSize = 64, IntermediateSize = 136, Activation = Activation.Silu, Bias = false }));
            Assert.That((attention.Shape.Heads, attention.Shape.KeyValueHeads, attention.Shape.HeadDim), Is.EqualTo((4, 2, 16)));
            Assert.That(attention.Shape.Window, Is.Null);
            Assert.That(attention.QueryKeyNorm is not null || attention.QkvBias || attention.OutputBias, Is.False);
            Assert.That(attention.Shape.ScoreScale, Is.EqualTo(0.25f));
            Assert.That(attention.Rope.InverseFrequencies, Has.Length.EqualTo(8));
            Assert.That(attention.Rope.AttentionFactor, Is.EqualTo(1f));
            Assert.That(decoder.Layers.Select(layer => layer.Attention.Rope), Is.All.SameAs(attention.Rope));
            Assert.That(decoder.EndOfSequence, Is.EqualTo(new[] { 2 }));
        });
    }

    [Test]
    public void Form_four_types_are_read_and_heads_may_be_as_many_as_queries()
    {
        DecoderDescription decoder = Fixture("core-llama-mha");
        Assert.That(decoder.WeightType, Is.EqualTo(TensorType.F16));
        Assert.That(decoder.Layers[0].Attention.Shape.KeyValueHeads, Is.EqualTo(4));
        Assert.That(Fixture("core-llama-rope-linear").WeightType, Is.EqualTo(TensorType.BF16));
    }

    [Test]
    public void Llama_with_biases()
    {
        LayerDescription layer = Fixture("core-llama-bias").Layers[1];
        Assert.That(layer.Attention.QkvBias && layer.Attention.OutputBias && layer.Mlp.Bias, Is.True);
    }

    [Test]
    public void Rope_kinds_of_both_forms()
    {
        DecoderDescription linear = Fixture("core-llama-rope-linear"), yarn = Fixture("core-llama-rope-yarn"),
            llama3 = Fixture("core-llama-tied-llama3");
        Assert.That(llama3.TiedEmbeddings, Is.True);
        Assert.That(Rope(linear).InverseFrequencies, Is.EqualTo(RopeFrequencies.Linear(5000, 8, 3)));
        Assert.That(Rope(llama3).InverseFrequencies, Is.EqualTo(RopeFrequencies.Llama3(10000, 16, 8, 1, 4, 64)));
        Assert.That(Rope(yarn).InverseFrequencies, Is.EqualTo(RopeFrequencies.Yarn(10000, 16, 4, 8, 1, 64, true)));
        Assert.That(Rope(yarn).AttentionFactor, Is.EqualTo((0.1 * Math.Log(4)) + 1).Within(1e-6));
    }

    [Test]
    public void Mistral_has_its_window_on_all_layers()
    {
        Assert.That(Windows(Fixture("core-mistral-window")), Is.EqualTo(new int?[] { 24, 24, 24 }));
        Assert.That(Windows(Mistral("sliding_window", "null")), Is.EqualTo(new int?[] { null, null }));
        Assert.That(Windows(Mistral("unused", "1")), Is.EqualTo(new int?[] { 4096, 4096 }), "the default of a file without the key");
        Assert.That(Windows(Mistral("layer_types", """["sliding_attention","sliding_attention"]""", "sliding_window", "8")),
            Is.EqualTo(new int?[] { 8, 8 }));
    }

    [Test]
    public void Qwen2_has_biases_on_q_k_v_and_a_window_only_if_asked()
    {
        DecoderDescription decoder = Fixture("core-qwen2");
        AttentionBlock attention = decoder.Layers[2].Attention;
        Assert.That((attention.Shape.Heads, attention.Shape.KeyValueHeads, attention.Shape.HeadDim), Is.EqualTo((7, 1, 8)));
        Assert.That(attention.QkvBias, Is.True);
        Assert.That(attention.OutputBias, Is.False);
        Assert.That(Windows(decoder), Is.EqualTo(new int?[] { null, null, null }));
    }

    [TestCase("""{"use_sliding_window":true,"sliding_window":5,"max_window_layers":1}""", "-,5")]
    [TestCase("""{"use_sliding_window":true,"sliding_window":5,"max_window_layers":0}""", "5,5")]
    [TestCase("""{"use_sliding_window":true,"sliding_window":5}""", "-,-")]
    [TestCase("""{"use_sliding_window":true,"sliding_window":null,"max_window_layers":0}""", "-,-")]
    [TestCase("""{"use_sliding_window":true,"max_window_layers":1}""", "-,4096")]
    [TestCase("""{"use_sliding_window":false,"sliding_window":0,"max_window_layers":0}""", "-,-")]
    [TestCase(
        """{"use_sliding_window":true,"sliding_window":5,"max_window_layers":9,"layer_types":["sliding_attention","full_attention"]}""",
        "5,-")]
    public void Qwen_windows_follow_layer_types_and_else_the_first_layer(string settings, string expected)
    {
        foreach ((string architecture, string type) in new[] { ("Qwen2ForCausalLM", "qwen2"), ("Qwen3ForCausalLM", "qwen3") })
        {
            DecoderDescription decoder = Describe(With(architecture, type, JsonNode.Parse(settings)!.AsObject()));
            Assert.That(string.Join(",", Windows(decoder).Select(window => window?.ToString() ?? "-")), Is.EqualTo(expected));
        }
    }

    [Test]
    public void Qwen3_norms_queries_and_keys()
    {
        AttentionBlock attention = Fixture("core-qwen3").Layers[0].Attention;
        Assert.That(attention.QueryKeyNorm, Is.EqualTo(new QueryKeyNorm(1e-6f)));
        Assert.That(attention.Shape.HeadDim, Is.EqualTo(24));
        Assert.That(attention.QkvBias || attention.OutputBias, Is.False);
        Assert.That(attention.Shape.ScoreScale, Is.EqualTo((float)(1 / Math.Sqrt(24))).Within(1e-8));

        AttentionBlock biased =
            Describe(With("Qwen3ForCausalLM", "qwen3", new JsonObject { ["attention_bias"] = true })).Layers[0].Attention;
        Assert.That(biased.QkvBias && biased.OutputBias, Is.True);
        Assert.That(biased.Shape.HeadDim, Is.EqualTo(128), "the default of a file without the key");
    }

    [TestCase(
        """{"rope_scaling":{"type":"yarn","factor":40,"original_max_position_embeddings":16,"mscale":1.0,"mscale_all_dim":1.0}}""", 1.0)]
    [TestCase(
        """{"rope_scaling":{"type":"yarn","factor":40,"original_max_position_embeddings":16,"mscale":0.707,"mscale_all_dim":1.0}}""",
        0.92104)]
    [TestCase("""{"rope_scaling":{"type":"yarn","factor":40,"original_max_position_embeddings":16,"mscale":0.707}}""", 1.36888)]
    [TestCase("""{"rope_scaling":{"type":"yarn","factor":40,"original_max_position_embeddings":16,"attention_factor":1.15}}""", 1.15)]
    public void Yarn_takes_its_magnitude_from_what_is_given(string settings, double expected)
    {
        Assert.That(Rope(Llama(settings)).AttentionFactor, Is.EqualTo(expected).Within(1e-4));
    }

    [Test]
    public void The_original_length_may_be_beside_the_rope_or_be_the_context()
    {
        const string Yarn = "\"rope_scaling\":{\"rope_type\":\"yarn\",\"factor\":4}";
        Assert.That(
            Rope(Llama($$"""{"original_max_position_embeddings":16,{{Yarn}}}""")).InverseFrequencies,
            Is.EqualTo(RopeFrequencies.Yarn(10000, 8, 4, 32, 1, 16, true)));
        Assert.That(Rope(Llama($$"""{ {{Yarn}} }""")).InverseFrequencies, Is.EqualTo(RopeFrequencies.Yarn(10000, 8, 4, 32, 1, 64, true)));
    }

    [Test]
    public void Base_and_ramp_come_from_either_form()
    {
        Assert.That(Rope(Llama("""{"rope_theta":500000}""")).InverseFrequencies, Is.EqualTo(RopeFrequencies.Default(500000, 8)));
        Assert.That(Rope(Llama("""{"rope_parameters":{"rope_theta":500000,"rope_type":"default"}}""")).InverseFrequencies,
            Is.EqualTo(RopeFrequencies.Default(500000, 8)));
        Assert.That(Rope(Llama("{}")).InverseFrequencies, Is.EqualTo(RopeFrequencies.Default(10000, 8)));
        Assert.That(
            Rope(Llama("""
                {"rope_parameters":
                 {"rope_type":"yarn","factor":2,"original_max_position_embeddings":16,"beta_fast":4,"beta_slow":2,"truncate":false}}
                """)).InverseFrequencies,
            Is.EqualTo(RopeFrequencies.Yarn(10000, 8, 2, 4, 2, 16, false)));
    }

    [Test]
    public void Multi_query_attention_is_one_shared_head()
    {
        Assert.That(Llama("""{"num_key_value_heads":1}""").Layers[0].Attention.Shape.KeyValueHeads, Is.EqualTo(1));
        Assert.That(Llama("""{"num_key_value_heads":null}""").Layers[0].Attention.Shape.KeyValueHeads, Is.EqualTo(4));
        Assert.That(Llama("{}").Layers[0].Attention.Shape.KeyValueHeads, Is.EqualTo(4));
    }

    [TestCase("""{"torch_dtype":null,"use_cache":true,"pretraining_tp":2,"whatever":{"a":[1]}"""
        + ""","num_experts":0,"quantization_config":null,"logit_scale":1.0,"auto_map":{},"is_encoder_decoder":false}""")]
    [TestCase("""{"hidden_act":"swish"}""")]
    [TestCase("""{"layer_types":["full_attention","full_attention"],"sliding_window":null,"partial_rotary_factor":1.0}""")]
    [TestCase("""{"rope_scaling":{"type":"default","partial_rotary_factor":1}}""")]
    [TestCase("""{"rope_scaling":null,"rope_parameters":null}""")]
    [TestCase("""{"auto_map":{"AutoTokenizer":"x.Y"}}""")]
    public void Settings_that_change_nothing_are_passed_over(string settings) => Assert.That(Llama(settings).Layers, Has.Length.EqualTo(2));

    [TestCase("""{"num_experts":8}""", "num_experts")]
    [TestCase("""{"num_local_experts":8}""", "num_local_experts")]
    [TestCase("""{"partial_rotary_factor":0.5}""", "partial_rotary_factor")]
    [TestCase("""{"attn_logit_softcapping":50.0}""", "attn_logit_softcapping")]
    [TestCase("""{"final_logit_softcapping":30.0}""", "final_logit_softcapping")]
    [TestCase("""{"embedding_multiplier":12}""", "embedding_multiplier")]
    [TestCase("""{"residual_multiplier":0.2}""", "residual_multiplier")]
    [TestCase("""{"attention_multiplier":0.2}""", "attention_multiplier")]
    [TestCase("""{"logits_scaling":8}""", "logits_scaling")]
    [TestCase("""{"logit_scale":0.25}""", "logit_scale")]
    [TestCase("""{"no_rope_layers":[1,0]}""", "no_rope_layers")]
    [TestCase("""{"auto_map":{"AutoModelForCausalLM":"modeling_x.X"}}""", "auto_map")]
    [TestCase("""{"text_config":{"hidden_size":8}}""", "text_config")]
    [TestCase("""{"use_bidirectional_attention":true}""", "use_bidirectional_attention")]
    [TestCase("""{"hidden_act":"quick_gelu"}""", "quick_gelu")]
    [TestCase("""{"hidden_act":"relu2"}""", "relu2")]
    [TestCase("""{"hidden_activation":"gelu_pytorch_tanh"}""", "gelu_pytorch_tanh")]
    [TestCase("""{"sliding_window":16}""", "sliding_window")]
    [TestCase("""{"layer_types":["full_attention","sliding_attention"]}""", "layer_types")]
    [TestCase("""{"layer_types":["full_attention","linear_attention"]}""", "linear_attention")]
    [TestCase("""{"layer_types":["full_attention","chunked_attention"]}""", "chunked_attention")]
    [TestCase("""{"dtype":"float64"}""", "float64")]
    [TestCase("""{"torch_dtype":"float8_e4m3fn"}""", "float8_e4m3fn")]
    [TestCase("""{"rope_scaling":{"rope_type":"longrope","short_factor":[1],"long_factor":[1]}}""", "longrope")]
    [TestCase("""{"rope_parameters":{"rope_type":"proportional"}}""", "proportional")]
    [TestCase("""{"rope_scaling":{"type":"mrope","rope_type":"default"}}""", "mrope")]
    [TestCase("""{"rope_scaling":{"rope_type":"default","mrope_section":[2,2]}}""", "mrope_section")]
    [TestCase("""{"rope_parameters":{"rope_type":"default","partial_rotary_factor":0.5}}""", "partial_rotary_factor")]
    [TestCase("""{"rope_parameters":{"rope_type":"yarn","factor":4,"llama_4_scaling_beta":0.1}}""", "llama_4_scaling_beta")]
    [TestCase("""{"rope_parameters":{"full_attention":{"rope_theta":1},"sliding_attention":{"rope_theta":2}}}""", "full_attention")]
    [TestCase("""{"model_type":"mistral"}""", "mistral")]
    [TestCase("""{"architectures":["LlamaModel"]}""", "LlamaModel")]
    public void What_is_not_served_is_refused_by_name(string settings, string mention) =>
        Refused(settings, LoadErrorKind.Incompatible, mention);

    [TestCase("""{"model_type":null}""", "model_type")]
    [TestCase("""{"architectures":null}""", "architectures")]
    [TestCase("""{"architectures":[]}""", "architectures")]
    [TestCase("""{"architectures":"LlamaForCausalLM"}""", "architectures")]
    [TestCase("""{"intermediate_size":null}""", "intermediate_size")]
    [TestCase("""{"max_position_embeddings":null}""", "max_position_embeddings")]
    [TestCase("""{"hidden_size":"32"}""", "hidden_size")]
    [TestCase("""{"hidden_size":32.0}""", "hidden_size")]
    [TestCase("""{"hidden_size":99999999999}""", "hidden_size")]
    [TestCase("""{"vocab_size":0}""", "vocab_size")]
    [TestCase("""{"num_hidden_layers":2147483647}""", "num_hidden_layers")]
    [TestCase("""{"num_attention_heads":3}""", "num_attention_heads")]
    [TestCase("""{"num_attention_heads":3,"head_dim":8}""", "num_attention_heads")]
    [TestCase("""{"num_key_value_heads":3}""", "num_key_value_heads")]
    [TestCase("""{"num_key_value_heads":8}""", "num_key_value_heads")]
    [TestCase("""{"num_key_value_heads":0}""", "num_key_value_heads")]
    [TestCase("""{"head_dim":7}""", "head_dim")]
    [TestCase("""{"head_dim":0}""", "head_dim")]
    [TestCase("""{"hidden_size":16384,"num_attention_heads":16384}""", "head_dim")]
    [TestCase("""{"hidden_size":16384,"num_attention_heads":16384,"head_dim":16384}""", "head_dim")]
    [TestCase("""{"rms_norm_eps":-1}""", "rms_norm_eps")]
    [TestCase("""{"rms_norm_eps":1e400}""", "rms_norm_eps")]
    [TestCase("""{"tie_word_embeddings":1}""", "tie_word_embeddings")]
    [TestCase("""{"attention_bias":"yes"}""", "attention_bias")]
    [TestCase("""{"eos_token_id":-1}""", "eos_token_id")]
    [TestCase("""{"eos_token_id":[1,"2"]}""", "eos_token_id")]
    [TestCase("""{"layer_types":["full_attention"]}""", "layer_types")]
    [TestCase("""{"rope_theta":0}""", "rope_theta")]
    [TestCase("""{"rope_theta":-5}""", "rope_theta")]
    [TestCase("""{"rope_theta":1e4,"rope_parameters":{"rope_theta":5e5}}""", "rope_theta")]
    [TestCase("""{"rope_scaling":"linear"}""", "rope_scaling")]
    [TestCase("""{"rope_scaling":{"type":"linear","factor":2},"rope_parameters":{"rope_type":"default"}}""", "rope_scaling")]
    [TestCase("""{"rope_scaling":{"type":"linear"}}""", "factor")]
    [TestCase("""{"rope_scaling":{"type":"linear","factor":0}}""", "factor")]
    [TestCase("""{"rope_scaling":{"type":"linear","factor":"2"}}""", "factor")]
    [TestCase("""{"rope_scaling":{"type":"llama3","factor":8,"low_freq_factor":4,"high_freq_factor":1}}""", "high_freq_factor")]
    [TestCase("""{"rope_scaling":{"type":"llama3","factor":8,"high_freq_factor":1}}""", "low_freq_factor")]
    [TestCase("""{"rope_scaling":{"type":"yarn","factor":8,"beta_fast":1,"beta_slow":2}}""", "beta_fast")]
    [TestCase("""{"rope_theta":1,"rope_scaling":{"type":"yarn","factor":8}}""", "rope_theta")]
    [TestCase("""{"original_max_position_embeddings":8,"rope_scaling":{"type":"yarn","factor":8,"original_max_position_embeddings":16}}""",
        "original_max_position_embeddings")]
    [TestCase("""{"rope_scaling":{"type":7}}""", "type")]
    public void What_cannot_be_is_an_error_of_the_configuration(string settings, string mention) =>
        Refused(settings, LoadErrorKind.Config, mention);

    [TestCase("MistralForCausalLM", "mistral", """{"sliding_window":0}""", LoadErrorKind.Config, "sliding_window")]
    [TestCase("MistralForCausalLM", "mistral", """{"attention_bias":true}""", LoadErrorKind.Incompatible, "attention_bias")]
    [TestCase("MistralForCausalLM", "mistral", """{"mlp_bias":true}""", LoadErrorKind.Incompatible, "mlp_bias")]
    [TestCase("MistralForCausalLM", "mistral", """{"sliding_window":8,"layer_types":["full_attention","sliding_attention"]}""",
        LoadErrorKind.Incompatible, "layer_types")]
    [TestCase("MistralForCausalLM", "mistral", """{"sliding_window":null,"layer_types":["full_attention","sliding_attention"]}""",
        LoadErrorKind.Incompatible, "layer_types")]
    [TestCase("Qwen2ForCausalLM", "qwen2", """{"layer_types":["sliding_attention","sliding_attention"]}""", LoadErrorKind.Incompatible,
        "layer_types")]
    [TestCase("Qwen2ForCausalLM", "qwen2", """{"use_sliding_window":true,"sliding_window":-1}""", LoadErrorKind.Config, "sliding_window")]
    [TestCase("Qwen2ForCausalLM", "qwen2", """{"num_attention_heads":3}""", LoadErrorKind.Config, "num_attention_heads")]
    [TestCase("Qwen3ForCausalLM", "qwen3", """{"mlp_bias":true}""", LoadErrorKind.Incompatible, "mlp_bias")]
    public void Other_families_refuse_what_they_do_not_have(
        string architecture, string type, string settings, LoadErrorKind kind, string mention)
    {
        FormatError error = Assert.Throws<FormatError>(() => Describe(With(architecture, type, JsonNode.Parse(settings)!.AsObject())))!;
        Assert.That((error.Kind, error.Message), Is.EqualTo((kind, error.Message)));
        Assert.That(error.Message, Does.Contain(mention));
    }

    [Test]
    public void Heads_need_not_divide_the_hidden_size_of_other_families_if_their_size_is_given()
    {
        DecoderDescription decoder =
            Describe(With("MistralForCausalLM", "mistral",
                JsonNode.Parse("""{"num_attention_heads":3,"num_key_value_heads":1,"head_dim":6}""")!.AsObject()));
        Assert.That(decoder.Layers[0].Attention.Shape.HeadDim, Is.EqualTo(6));
    }

    [TestCaseSource(nameof(Configs))]
    public void The_family_of_a_class_describes_its_configuration(string name)
    {
        string path = Path.Combine(RepositoryFolder.Fixtures, "configs", name, "config.json");
        JsonNode config = JsonNode.Parse(File.ReadAllText(path))!;
        string architecture = config["architectures"]![0]!.GetValue<string>();
        DecoderDescription decoder = DecoderFamilies.Describe(ConfigDocument.Read(path));
        Assert.That(decoder.Architecture, Is.EqualTo(architecture));
        Assert.That(decoder.VocabularySize, Is.EqualTo(config["vocab_size"]!.GetValue<int>()));
    }

    private static IEnumerable<string> Configs() =>
        Directory.GetDirectories(Path.Combine(RepositoryFolder.Fixtures, "configs")).Select(folder => Path.GetFileName(folder))
            .Order(StringComparer.Ordinal);

    private static void Refused(string settings, LoadErrorKind kind, string mention)
    {
        FormatError error = Assert.Throws<FormatError>(() => Llama(settings))!;
        Assert.That(error.Message, Does.Contain(mention).And.Contain("test.json"));
        Assert.That(error.Kind, Is.EqualTo(kind), error.Message);
        Assert.That(error.Subject, Is.Not.Null);
    }

    private static RopeDescription Rope(DecoderDescription decoder) => decoder.Layers[0].Attention.Rope;

    private static IEnumerable<int?> Windows(DecoderDescription decoder) => decoder.Layers.Select(layer => layer.Attention.Shape.Window);

    private static DecoderDescription Fixture(string name) =>
        DecoderFamilies.Describe(ConfigDocument.Read(Path.Combine(RepositoryFolder.Fixtures, name, "model", "config.json")));

    private static DecoderDescription Llama(string settings)
    {
        // As text, so that numbers which no JSON tree can hold arrive as they are written.
        var tree = With("LlamaForCausalLM", "llama", []);
        string body = settings.Trim()[1..^1];
        foreach (string key in tree.Select(pair => pair.Key).ToArray())
        {
            if (body.Contains($"\"{key}\":", StringComparison.Ordinal))
            {
                tree.Remove(key);
            }
        }

        string rest = tree.ToJsonString()[1..^1];
        return DecoderFamilies.Describe(ConfigDocument.Parse(
            Encoding.UTF8.GetBytes($"{{{string.Join(",", new[] { body, rest }.Where(part => part.Trim().Length > 0))}}}"), "test.json"));
    }

    private static DecoderDescription Mistral(params string[] settings)
    {
        var changes = new JsonObject();
        for (int i = 0; i < settings.Length; i += 2)
        {
            changes[settings[i]] = JsonNode.Parse(settings[i + 1]);
        }

        return Describe(With("MistralForCausalLM", "mistral", changes));
    }

    private static DecoderDescription Describe(JsonObject config) =>
        DecoderFamilies.Describe(ConfigDocument.Parse(Encoding.UTF8.GetBytes(config.ToJsonString()), "test.json"));

    private static JsonObject With(string architecture, string type, JsonObject changes)
    {
        var config = new JsonObject
        {
            ["architectures"] = new JsonArray(architecture),
            ["model_type"] = type,
            ["hidden_size"] = 32,
            ["intermediate_size"] = 48,
            ["num_hidden_layers"] = 2,
            ["num_attention_heads"] = 4,
            ["vocab_size"] = 50,
            ["max_position_embeddings"] = 64,
        };
        if (type != "llama")
        {
            config["num_key_value_heads"] = 2;
        }

        foreach ((string key, JsonNode? value) in changes)
        {
            config[key] = value?.DeepClone();
        }

        return config;
    }
}
