using System.Text;
using System.Text.Json.Nodes;
using NUnit.Framework;
using SLoRA.Formats;
using SLoRA.Models;
using SLoRA.Models.Blocks;
using SLoRA.Models.Families;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Models.Families;

/// <summary>What each dense family's description adds, and what a file means that does not say.</summary>
internal sealed class DenseFamiliesTests
{
    [Test]
    public void Gemma_scales_embeddings_and_takes_gelu_for_its_tanh_form()
    {
        DecoderDescription decoder = Describe("Gemma", """{"hidden_act":"gelu"}""");
        Assert.That(decoder.EmbeddingMultiplier, Is.EqualTo(MathF.Sqrt(32)));
        Assert.That(decoder.TiedEmbeddings, Is.True, "the default of a file without the key");
        Assert.That(Mlp(decoder, 0).Activation, Is.EqualTo(Activation.GeluTanh));
        Assert.That(Attention(decoder, 0).Shape.HeadDim, Is.EqualTo(256), "the default of a file without the key");
        Assert.That(decoder.Layers[0].Branches[0].Norm!.WeightOffset, Is.EqualTo(1));
        Assert.That(decoder.FinalNorm.WeightOffset, Is.EqualTo(1));
        Assert.That(Mlp(Describe("Gemma", """{"hidden_activation":"silu"}"""), 0).Activation, Is.EqualTo(Activation.Silu));
    }

    [Test]
    public void Gemma_2_without_keys_has_the_published_caps_scale_and_windows()
    {
        DecoderDescription decoder = Describe("Gemma2", "{}");
        Assert.That(decoder.LogitCap, Is.EqualTo(30));
        Assert.That(Attention(decoder, 0).Shape.ScoreCap, Is.EqualTo(50));
        Assert.That(Attention(decoder, 0).Shape.ScoreScale, Is.EqualTo(1f / 16));
        Assert.That(Windows(decoder), Is.EqualTo((int?[])[4096, null]));
        Assert.That(decoder.Layers[0].Branches.Select(branch => branch.NormBehind!.Name),
            Is.EqualTo((string[])["post_attention_layernorm", "post_feedforward_layernorm"]));

        DecoderDescription plain = Describe("Gemma2", """{"attn_logit_softcapping":null,"final_logit_softcapping":null}""");
        Assert.That(plain.LogitCap, Is.Null);
        Assert.That(Attention(plain, 0).Shape.ScoreCap, Is.Null);
    }

    [TestCase("""{"rope_theta":1e5,"rope_local_base_freq":500,"rope_scaling":{"rope_type":"linear","factor":8}}""")]
    [TestCase(
        """
        {"rope_parameters":{"full_attention":{"rope_theta":1e5,"rope_type":"linear","factor":8},
         "sliding_attention":{"rope_theta":500,"rope_type":"default"}}}
        """)]
    public void Gemma_3_has_a_rotation_for_each_kind_of_layer_in_both_forms(string settings)
    {
        DecoderDescription decoder = Describe("Gemma3", settings, """{"sliding_window_pattern":2,"head_dim":8}""");
        Assert.That(Windows(decoder), Is.EqualTo((int?[])[4096, null]));
        Assert.That(Attention(decoder, 0).Rope.InverseFrequencies, Is.EqualTo(RopeFrequencies.Default(500, 8)));
        Assert.That(Attention(decoder, 1).Rope.InverseFrequencies, Is.EqualTo(RopeFrequencies.Linear(1e5, 8, 8)));
        Assert.That(Attention(decoder, 0).QueryKeyNorm, Is.EqualTo(new QueryKeyNorm(1e-6f) { WeightOffset = 1 }));
        Assert.That(decoder.LogitCap, Is.Null);
    }

    [Test]
    public void Gemma_3_without_keys_has_its_own_bases_and_every_sixth_layer_full()
    {
        DecoderDescription decoder = Describe("Gemma3", """{"num_hidden_layers":7,"head_dim":8}""");
        Assert.That(Windows(decoder).Select(window => window is not null),
            Is.EqualTo((bool[])[true, true, true, true, true, false, true]));
        Assert.That(Attention(decoder, 5).Rope.InverseFrequencies, Is.EqualTo(RopeFrequencies.Default(1e6, 8)));
        Assert.That(Attention(decoder, 0).Rope.InverseFrequencies, Is.EqualTo(RopeFrequencies.Default(1e4, 8)));
    }

    [Test]
    public void Phi_3_has_fused_projections_and_its_window_everywhere()
    {
        DecoderDescription decoder = Describe("Phi3", """{"sliding_window":9}""");
        Assert.That(Windows(decoder), Is.EqualTo((int?[])[9, 9]));
        Assert.That(Tensors(decoder), Does.Contain("model.layers.1.self_attn.qkv_proj.weight [64, 32]")
            .And.Contain("model.layers.1.mlp.gate_up_proj.weight [96, 32]"));
        Assert.That(decoder.FinalNorm.Epsilon, Is.EqualTo(1e-5f), "the default of a file without the key");
    }

    [Test]
    public void Longrope_has_other_frequencies_above_the_original_length_and_one_magnitude()
    {
        const string Settings =
            """
            {"original_max_position_embeddings":16,"partial_rotary_factor":0.75,"head_dim":8,
             "rope_scaling":{"type":"longrope","short_factor":[1,2,4],"long_factor":[3,5,7]}}
            """;
        RopeDescription rope = Attention(Describe("Phi3", Settings), 0).Rope;
        float[] frequencies = new float[3];
        rope.Frequencies(16, frequencies);
        Assert.That(frequencies, Is.EqualTo(Stretched(1, 2, 4)).Within(1e-7));
        rope.Frequencies(17, frequencies);
        Assert.That(frequencies, Is.EqualTo(Stretched(3, 5, 7)).Within(1e-7));
        Assert.That(rope.AttentionFactor, Is.EqualTo(Math.Sqrt(1 + (Math.Log(4) / Math.Log(16)))).Within(1e-6));
        Assert.That((rope.Lengths!.Restarts, rope.Lengths.Threshold), Is.EqualTo((true, 16)));
        Assert.That((rope.Lengths.ClassOf(16), rope.Lengths.ClassOf(17), rope.Lengths.ClassOf(60)), Is.EqualTo((0, 1, 1)));

        static float[] Stretched(params double[] factors) =>
            [.. factors.Select((factor, i) => (float)(1 / (factor * Math.Pow(10000, 2.0 * i / 6))))];
    }

    [TestCase("""{"rope_scaling":{"type":"longrope","short_factor":[1,2],"long_factor":[3,5,7,9]}}""", "short_factor")]
    [TestCase("""{"rope_scaling":{"type":"longrope","short_factor":[1,2,3,4]}}""", "long_factor")]
    [TestCase("""{"rope_scaling":{"type":"longrope","short_factor":[1,2,3,0],"long_factor":[1,2,3,4]}}""", "short_factor")]
    [TestCase("""{"partial_rotary_factor":0.4}""", "partial_rotary_factor")]
    [TestCase("""{"partial_rotary_factor":1.5}""", "partial_rotary_factor")]
    [TestCase("""{"partial_rotary_factor":0.5,"rope_parameters":{"partial_rotary_factor":0.75}}""", "partial_rotary_factor")]
    public void Impossible_settings_of_a_rotation_are_errors(string settings, string mention)
    {
        FormatError error = Assert.Throws<FormatError>(() => Describe("Phi3", settings))!;
        Assert.That(error.Message, Does.Contain(mention));
        Assert.That(error.Kind, Is.EqualTo(LoadErrorKind.Config));
    }

    [Test]
    public void Dynamic_rope_raises_its_base_with_every_token_above_the_context()
    {
        DecoderDescription decoder = Describe("Llama", """{"rope_scaling":{"type":"dynamic","factor":2}}""");
        RopeDescription rope = Attention(decoder, 0).Rope;
        float[] frequencies = new float[4];
        rope.Frequencies(64, frequencies);
        Assert.That(frequencies, Is.EqualTo(RopeFrequencies.Default(10000, 8)));
        rope.Frequencies(96, frequencies);
        Assert.That(frequencies, Is.EqualTo(RopeFrequencies.Default(10000 * Math.Pow(2, 8 / 6.0), 8)));
        Assert.That(rope.Lengths!.Restarts, Is.False);
        Assert.That((rope.Lengths.ClassOf(64), rope.Lengths.ClassOf(65), rope.Lengths.ClassOf(66)), Is.EqualTo((0, 65, 66)));
        Assert.That(decoder.ContextLength, Is.EqualTo(4 * 2 * 64));
        Assert.That(decoder.RopeLengths, Is.SameAs(rope.Lengths));
    }

    [Test]
    public void Olmo_2_norms_behind_its_blocks_and_over_the_whole_width()
    {
        DecoderDescription decoder = Describe("Olmo2", "{}");
        Assert.That(decoder.Layers[0].Branches.Select(branch => (branch.Norm, branch.NormBehind!.Name)), Is.EqualTo(
            ((NormModule?, string)[])[(null, "post_attention_layernorm"), (null, "post_feedforward_layernorm")]));
        Assert.That(Tensors(decoder), Does.Contain("model.layers.0.self_attn.q_norm.weight [32]")
            .And.Contain("model.layers.0.self_attn.k_norm.weight [16]"));
    }

    [TestCase("""{"rope_theta":500000,"rope_scaling":{"rope_type":"yarn","factor":4,"original_max_position_embeddings":16}}""")]
    [TestCase(
        """
        {"rope_parameters":{"full_attention":{"rope_type":"yarn","factor":4,"original_max_position_embeddings":16,"rope_theta":500000},
         "sliding_attention":{"rope_type":"default","rope_theta":500000}}}
        """)]
    public void Olmo_3_has_yarn_on_every_fourth_layer_alone(string settings)
    {
        DecoderDescription decoder = Describe("Olmo3", settings, """{"num_hidden_layers":4,"sliding_window":5}""");
        Assert.That(Windows(decoder), Is.EqualTo((int?[])[5, 5, 5, null]));
        Assert.That(Attention(decoder, 3).Rope.InverseFrequencies, Is.EqualTo(RopeFrequencies.Yarn(5e5, 8, 4, 32, 1, 16, true)));
        Assert.That(Attention(decoder, 0).Rope.InverseFrequencies, Is.EqualTo(RopeFrequencies.Default(5e5, 8)));
        Assert.That(Attention(decoder, 0).Rope.AttentionFactor, Is.EqualTo(1));
    }

    [Test]
    public void Granite_multiplies_and_its_defaults_are_ones()
    {
        DecoderDescription decoder = Describe(
            "Granite", """{"embedding_multiplier":12,"residual_multiplier":0.22,"attention_multiplier":0.015625,"logits_scaling":8}""");
        Assert.That((decoder.EmbeddingMultiplier, decoder.LogitMultiplier), Is.EqualTo((12f, 1f / 8)));
        Assert.That(decoder.Layers[0].Branches.Select(branch => branch.Multiplier), Is.All.EqualTo(0.22f));
        Assert.That(Attention(decoder, 0).Shape.ScoreScale, Is.EqualTo(1f / 64));

        DecoderDescription plain = Describe("Granite", "{}");
        Assert.That((plain.EmbeddingMultiplier, plain.LogitMultiplier), Is.EqualTo((1f, 1f)));
        Assert.That(Attention(plain, 0).Shape.ScoreScale, Is.EqualTo(1f), "attention_multiplier replaces 1/√d even where it is absent");
    }

    [TestCase("""{"no_rope_layers":[0,1]}""", "-+")]
    [TestCase("""{"no_rope_layer_interval":2}""", "+-")]
    [TestCase("{}", "++")]
    public void SmolLM3_lists_ones_for_layers_that_rotate(string settings, string expected)
    {
        Assert.That(Rotates(Describe("SmolLM3", settings)), Is.EqualTo(expected));
        Assert.That(() => Describe("SmolLM3", """{"no_rope_layers":[1]}"""), Throws.TypeOf<FormatError>());
    }

    [Test]
    public void Glm_4_turns_adjacent_columns_of_half_a_head_between_four_norms()
    {
        DecoderDescription decoder = Describe("Glm4", """{"head_dim":8}""");
        AttentionBlock attention = Attention(decoder, 0);
        Assert.That((attention.Rope.Columns, attention.Rope.AdjacentPairs), Is.EqualTo((4, true)));
        Assert.That(attention.Rope.InverseFrequencies, Is.EqualTo(RopeFrequencies.Default(10000, 4)), "exponents over what turns");
        Assert.That((attention.QkvBias, attention.OutputBias), Is.EqualTo((true, false)));
        Assert.That(decoder.Layers[0].Branches.Select(branch => (branch.Norm!.Name, branch.NormBehind!.Name)), Is.EqualTo(
            ((string, string)[])
            [
                ("input_layernorm", "post_self_attn_layernorm"), ("post_attention_layernorm", "post_mlp_layernorm"),
            ]));
    }

    [Test]
    public void Cohere_2_has_its_blocks_side_by_side_and_does_not_rotate_full_layers()
    {
        DecoderDescription decoder = Describe("Cohere2", """{"num_hidden_layers":4,"sliding_window":7}""");
        Assert.That(decoder.Layers.Select(layer => layer.Branches.Length), Is.All.EqualTo(1));
        AttentionBlock[] attentions = [.. decoder.Layers.Select(layer =>
            ((ParallelBlock)layer.Branches[0].Block).Branches.Select(branch => branch.Block).OfType<AttentionBlock>().Single())];
        Assert.That(attentions.Select(attention => attention.Shape.Window), Is.EqualTo((int?[])[7, 7, 7, null]));
        Assert.That(attentions.Select(attention => attention.Rope.Pairs), Is.EqualTo((int[])[4, 4, 4, 0]));
        Assert.That(attentions[0].Rope.AdjacentPairs, Is.True);
        NormModule norm = decoder.Layers[0].Branches[0].Norm!;
        Assert.That((norm.IsCentered, norm.HasBias, norm.Epsilon), Is.EqualTo((true, false, 1e-5f)));
        Assert.That((decoder.LogitMultiplier, decoder.TiedEmbeddings), Is.EqualTo((0.0625f, true)), "the defaults");
        Assert.That(decoder.Kept, Has.Length.EqualTo(4));
        Assert.That(decoder.Shape.Attentions, Has.Length.EqualTo(4));
    }

    [Test]
    public void Starcoder_2_has_layer_norms_biases_and_no_gate()
    {
        DecoderDescription decoder = Describe("Starcoder2", """{"norm_epsilon":1e-3,"sliding_window":3}""");
        Assert.That(decoder.Layers[0].Branches[1].Block, Is.EqualTo(new PlainMlpBlock
        {
            HiddenSize = 32,
            IntermediateSize = 48,
            Function = new ElementFunction(ElementFunctionKind.GeluTanh),
            Bias = true,
            UpName = "mlp.c_fc",
            DownName = "mlp.c_proj",
        }));
        Assert.That((decoder.FinalNorm.IsCentered, decoder.FinalNorm.HasBias, decoder.FinalNorm.Epsilon), Is.EqualTo((true, true, 1e-3f)));
        Assert.That(Attention(decoder, 0) is { QkvBias: true, OutputBias: true, Shape.Window: 3 }, Is.True);
        Assert.That(Tensors(decoder), Does.Contain("model.layers.0.input_layernorm.bias [32]").And.Contain("model.norm.bias [32]"));
        Assert.That(Tensors(Describe("Starcoder2", """{"use_bias":false}""")), Does.Not.Contain("model.layers.0.mlp.c_fc.bias [48]"));
    }

    [Test]
    public void Ministral_3_scales_queries_by_their_position()
    {
        const string Rope = """
            {"rope_parameters":{"rope_type":"yarn","rope_theta":1e6,"factor":4,"original_max_position_embeddings":16,"mscale":1,
             "mscale_all_dim":1,"llama_4_scaling_beta":0.25}}
            """;
        AttentionBlock attention = Attention(Describe("Ministral3", Rope), 0);
        Assert.That(attention.QueryScale, Is.EqualTo(new PositionScale(0.25f, 16)));
        Assert.That(attention.QueryScale!.At(15), Is.EqualTo(1));
        Assert.That(attention.QueryScale.At(32), Is.EqualTo(1 + (0.25 * Math.Log(3))).Within(1e-6));
        Assert.That(attention.Rope.AttentionFactor, Is.EqualTo(1), "mscale over mscale_all_dim");
        FormatError error = Assert.Throws<FormatError>(() => Describe("Ministral3", """{"rope_theta":1e6}"""))!;
        Assert.That(error.Message, Does.Contain("rope_parameters"));
    }

    [Test]
    public void Seed_Oss_has_biases_on_q_k_v_unless_told_otherwise()
    {
        AttentionBlock attention = Attention(Describe("SeedOss", "{}"), 0);
        Assert.That((attention.QkvBias, attention.OutputBias, attention.Shape.HeadDim), Is.EqualTo((true, false, 128)));
        attention = Attention(Describe("SeedOss", """{"attention_bias":false,"attention_out_bias":true}"""), 0);
        Assert.That((attention.QkvBias, attention.OutputBias), Is.EqualTo((false, true)));
    }

    [TestCase("""{"sliding_window":5,"sliding_window_pattern":2}""", "+-", "5-")]
    [TestCase("""{"sliding_window":5,"sliding_window_pattern":"LLLG","layer_types":["full_attention","sliding_attention"]}""", "-+", "-5")]
    [TestCase("""{"sliding_window":null,"sliding_window_pattern":null}""", "++", "--")]
    public void Exaone_4_rotates_full_layers_only_where_there_is_no_window(string settings, string rotates, string windows)
    {
        DecoderDescription decoder = Describe("Exaone4", settings);
        Assert.That(Rotates(decoder), Is.EqualTo(rotates));
        Assert.That(string.Concat(Windows(decoder).Select(window => window is null ? "-" : "5")), Is.EqualTo(windows));
        Assert.That(decoder.Layers[0].Branches.Select(branch => branch.Norm), Is.All.Null);
    }

    [TestCase("""{"sliding_window":5,"sliding_window_pattern":"LLLG"}""")]
    [TestCase("""{"sliding_window":5,"sliding_window_pattern":null}""")]
    public void A_pattern_of_Exaone_4_that_the_reference_cannot_read_is_refused(string settings)
    {
        FormatError error = Assert.Throws<FormatError>(() => Describe("Exaone4", settings))!;
        Assert.That((error.Kind, error.Subject), Is.EqualTo((LoadErrorKind.Incompatible, "sliding_window_pattern")));
    }

    [Test]
    public void Ernie_turns_adjacent_columns_and_has_biases_on_request()
    {
        DecoderDescription decoder = Describe("Ernie4_5", """{"head_dim":8,"use_bias":true}""");
        Assert.That(Attention(decoder, 0).Rope, Has.Property(nameof(RopeDescription.AdjacentPairs)).True);
        Assert.That(Attention(decoder, 0).Rope.InverseFrequencies, Is.EqualTo(RopeFrequencies.Default(5e5, 8)));
        Assert.That(Attention(decoder, 0) is { QkvBias: true, OutputBias: true } && Mlp(decoder, 0).Bias, Is.True);
        Assert.That(decoder.TiedEmbeddings, Is.True);
    }

    [Test]
    public void Apertus_has_constants_of_its_activation_in_the_checkpoint()
    {
        DecoderDescription decoder = Describe("Apertus", "{}");
        Assert.That(Tensors(decoder), Does.Contain("model.layers.0.mlp.act_fn.alpha_p [1]")
            .And.Contain("model.layers.0.mlp.act_fn.eps []").And.Contain("model.layers.0.feedforward_layernorm.weight [32]"));
        Assert.That(Attention(decoder, 0).Rope.InverseFrequencies, Is.EqualTo(RopeFrequencies.Llama3(12e6, 8, 8, 1, 4, 8192)),
            "the rotation of a file that does not say");
        Assert.That(Attention(Describe("Apertus", """{"rope_scaling":null}"""), 0).Rope.InverseFrequencies,
            Is.EqualTo(RopeFrequencies.Default(12e6, 8)));
    }

    [Test]
    public void Hunyuan_changes_its_base_by_alpha_and_norms_behind_the_rotation()
    {
        AttentionBlock attention =
            Attention(Describe("HunYuanDenseV1", """{"rope_scaling":{"type":"dynamic","alpha":1000.0,"factor":1.0}}"""), 0);
        Assert.That(attention.Rope.InverseFrequencies, Is.EqualTo(RopeFrequencies.Default(10000 * Math.Pow(1000, 8 / 6.0), 8)));
        Assert.That(attention.Rope.Lengths, Is.Null);
        Assert.That(attention.QueryKeyNorm!.AfterRotation, Is.True);
    }

    [Test]
    public void Nemotron_has_layer_norms_of_one_plus_w_and_squared_relu()
    {
        DecoderDescription decoder = Describe("Nemotron", """{"head_dim":8}""");
        NormModule norm = decoder.FinalNorm;
        Assert.That((norm.IsCentered, norm.HasBias, norm.WeightOffset, norm.Epsilon), Is.EqualTo((true, true, 1f, 1e-5f)));
        Assert.That(((PlainMlpBlock)decoder.Layers[0].Branches[1].Block).Function!.Value.Kind, Is.EqualTo(ElementFunctionKind.SquaredRelu));
        Assert.That(Attention(decoder, 0).Rope.Columns, Is.EqualTo(4), "half of a head, the default");
    }

    [TestCase("Olmo2", """{"clip_qkv":8.0}""", "clip_qkv")]
    [TestCase("Gemma3", """{"use_bidirectional_attention":true}""", "use_bidirectional_attention")]
    [TestCase("Gemma3", """{"rope_parameters":{"full_attention":{},"linear_attention":{}}}""", "linear_attention")]
    [TestCase("Granite", """{"sliding_window":4}""", "sliding_window")]
    [TestCase("Phi3", """{"attention_bias":true}""", "attention_bias")]
    [TestCase("Phi3", """{"num_experts":4}""", "num_experts")]
    [TestCase("Llama", """{"rope_scaling":{"rope_type":"longrope","short_factor":[1],"long_factor":[1]}}""", "longrope")]
    [TestCase("Llama", """{"logit_scale":2}""", "logit_scale")]
    public void What_a_family_does_not_have_is_refused_by_name(string architecture, string settings, string mention)
    {
        FormatError error = Assert.Throws<FormatError>(() => Describe(architecture, settings))!;
        Assert.That(error.Kind, Is.EqualTo(LoadErrorKind.Incompatible), error.Message);
        Assert.That(error.Message, Does.Contain(mention));
    }

    private static AttentionBlock Attention(DecoderDescription decoder, int layer) => decoder.Layers[layer].Attention;

    private static GatedMlpBlock Mlp(DecoderDescription decoder, int layer) => decoder.Layers[layer].Mlp;

    private static IEnumerable<int?> Windows(DecoderDescription decoder) => decoder.Layers.Select(layer => layer.Attention.Shape.Window);

    private static string Rotates(DecoderDescription decoder) =>
        string.Concat(decoder.Layers.Select(layer => layer.Attention.Rope.Pairs > 0 ? '+' : '-'));

    private static IEnumerable<string> Tensors(DecoderDescription decoder) =>
        DecoderModules.Of(decoder).Tensors.Select(tensor => $"{tensor.Name} [{string.Join(", ", tensor.Shape)}]");

    private static DecoderDescription Describe(string architecture, params string[] settings)
    {
        var config = new JsonObject
        {
            ["architectures"] = new JsonArray(architecture + "ForCausalLM"),
            ["model_type"] = architecture switch
            {
                "Gemma3" => "gemma3_text",
                "SeedOss" => "seed_oss",
                "HunYuanDenseV1" => "hunyuan_v1_dense",
                _ => architecture.ToLowerInvariant(),
            },
            ["hidden_size"] = 32,
            ["intermediate_size"] = 48,
            ["num_hidden_layers"] = 2,
            ["num_attention_heads"] = 4,
            ["num_key_value_heads"] = 2,
            ["vocab_size"] = 50,
            ["max_position_embeddings"] = 64,
        };
        foreach ((string key, JsonNode? value) in settings.SelectMany(text => JsonNode.Parse(text)!.AsObject()))
        {
            config[key] = value?.DeepClone();
        }

        return DecoderFamilies.Describe(ConfigDocument.Parse(Encoding.UTF8.GetBytes(config.ToJsonString()), "test.json"));
    }
}
