using System.Text;
using System.Text.Json.Nodes;
using NUnit.Framework;
using SLoRA.Formats;
using SLoRA.Models;
using SLoRA.Models.Blocks;
using SLoRA.Models.Families;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Models.Families;

/// <summary>What the families with recurrent layers, and those beside them, make of their configurations.</summary>
internal sealed class RecurrentFamiliesTests
{
    [TestCase("""{"layer_types":null}""", "DDDA")]
    [TestCase("""{"layer_types":null,"full_attention_interval":2}""", "DADA")]
    [TestCase("""{"layer_types":["full_attention","linear_attention","linear_attention","full_attention"]}""", "ADDA")]
    public void Qwen_3_5_attends_where_the_file_says_and_else_in_every_fourth_layer(string settings, string expected)
    {
        DecoderDescription decoder = Describe("later-qwen3-5", settings);
        Assert.That(
            string.Concat(decoder.Layers.Select(layer => layer.Branches[0].Block is DeltaNetBlock ? 'D' : 'A')), Is.EqualTo(expected));
    }

    [Test]
    public void Qwen_3_5_without_keys_has_the_sizes_of_its_published_models()
    {
        DecoderDescription decoder = Describe(
            "later-qwen3-5",
            """
            {"head_dim":null,"linear_key_head_dim":null,"linear_value_head_dim":null,"linear_num_key_heads":null,
             "linear_num_value_heads":null,"linear_conv_kernel_dim":null,"rope_parameters":{"rope_theta":1e7,"mrope_section":[11,11,10]}}
            """);
        var delta = (DeltaNetBlock)decoder.Layers[0].Branches[0].Block;
        var attention = (AttentionBlock)decoder.Layers[3].Branches[0].Block;
        Assert.Multiple(() =>
        {
            Assert.That((delta.KeyHeads, delta.KeyDim, delta.ValueHeads, delta.ValueDim, delta.Kernel), Is.EqualTo((16, 128, 32, 128, 4)));
            Assert.That(delta.Keeps.PerSequence, Is.EqualTo((StateShape[])[new(32, 128 * 128), new(3, 8192)]));
            Assert.That((attention.Shape.HeadDim, attention.Rope.InverseFrequencies.Length), Is.EqualTo((256, 32)), "a quarter turns");
            Assert.That((attention.GatesOutput, attention.QueryKeyNorm!.WeightOffset), Is.EqualTo((true, 1f)));
        });
    }

    [Test]
    public void What_predicts_further_tokens_is_left_out() =>
        Assert.That(Describe("later-qwen3-next").LeavesOut, Is.EqualTo("mtp."));

    [Test]
    public void Experts_of_Qwen_3_5_are_read_one_by_one_where_the_checkpoint_has_them_so()
    {
        DecoderDescription decoder = Describe("later-qwen3-5-moe")
            .AsStored(name => name == "model.layers.1.mlp.experts.0.gate_proj.weight");
        string[] tensors = [.. DecoderModules.Of(decoder).Tensors.Select(tensor => tensor.Name)];
        Assert.That(tensors, Does.Contain("model.layers.0.mlp.experts.gate_up_proj"));
        Assert.That(tensors, Does.Contain("model.layers.1.mlp.experts.4.up_proj.weight"));
        Assert.That(tensors, Does.Contain("model.layers.1.mlp.experts.0.down_proj.weight"));
        Assert.That(tensors, Does.Not.Contain("model.layers.1.mlp.experts.gate_up_proj"));
    }

    [TestCase("later-qwen3-5", "model.layers.0.linear_attn.conv1d")]
    [TestCase("later-granite-hybrid", "model.layers.0.mamba.conv1d")]
    public void Convolutions_are_no_targets(string name, string module)
    {
        TargetModule convolution = DecoderModules.Of(Describe(name)).Targets.Single(target => target.Name == module);
        Assert.That((convolution.Kind, convolution.IsTarget), Is.EqualTo((TargetKind.Convolution, false)));
    }

    [Test]
    public void Granite_4_may_have_no_experts_and_turns_nothing_unless_asked()
    {
        DecoderDescription decoder = Describe("later-granite-hybrid", """{"num_local_experts":0}""");
        Assert.That(decoder.Layers.Select(layer => layer.Branches[1].Block), Is.All.TypeOf<GatedMlpBlock>());
        Assert.That(((AttentionBlock)decoder.Layers[1].Branches[0].Block).Rope, Is.SameAs(RopeDescription.None));
        decoder = Describe("later-granite-hybrid", """{"position_embedding_type":"rope"}""");
        Assert.That(((AttentionBlock)decoder.Layers[1].Branches[0].Block).Rope.InverseFrequencies, Has.Length.EqualTo(6));
    }

    /// <summary>Experts are found under the names of the file, and by adapters under those of the reference.</summary>
    [Test]
    public void Granite_4_calls_its_experts_otherwise_in_files_than_in_adapters()
    {
        DecoderModules modules = DecoderModules.Of(Describe("later-granite-hybrid"));
        Assert.That(
            modules.Tensors.Select(tensor => tensor.Name), Does.Contain("model.layers.0.block_sparse_moe.input_linear.weight"));
        Assert.That(
            modules.Targets.Select(target => target.Parameter).OfType<ExpertParameter>().SelectMany(parameter => parameter.Names),
            Does.Contain("model.layers.0.block_sparse_moe.experts.gate_up_proj"));
    }

    [Test]
    public void Falcons_multipliers_stand_where_everything_has_been_added_up()
    {
        DecoderDescription decoder = Describe("later-falcon-h1", """{"head_dim":16,"attention_in_multiplier":3,"key_multiplier":0.5}""");
        var mixers = (ParallelBlock)decoder.Layers[0].Branches[0].Block;
        ScaledInputBlock[] inputs = [.. mixers.Branches.Select(branch => (ScaledInputBlock)branch.Block)];
        var mamba = (MambaBlock)inputs[0].Block;
        Assert.Multiple(() =>
        {
            Assert.That(mixers.Attention!.ScoreScale, Is.EqualTo(0.5 / 4).Within(1e-6));
            Assert.That(inputs.Select(input => input.Multiplier), Is.EqualTo((float[])[1.3f, 3]));
            Assert.That(mixers.Branches.Select(branch => branch.Multiplier), Is.EqualTo((float[])[0.7f, 0.8f]));
            Assert.That((mamba.Multipliers.Gate, mamba.Multipliers.Step), Is.EqualTo((0.7f, 0.6f)));
            Assert.That(decoder.LogitMultiplier, Is.EqualTo(0.5f));
            Assert.That(mixers.Keeps.PerToken, Is.Not.Null);
            Assert.That(mixers.Keeps.PerSequence, Has.Length.EqualTo(2), "both are kept in every layer");
        });
    }

    [TestCase("""{"mamba_d_ssm":null}""", 80)]
    [TestCase("""{"mamba_d_ssm":48}""", 48)]
    public void Falcons_heads_may_be_a_multiple_of_the_residual_stream(string settings, int columns)
    {
        var mixers = (ParallelBlock)Describe("later-falcon-h1", settings, """{"mamba_d_head":"auto"}""").Layers[0].Branches[0].Block;
        var mamba = (MambaBlock)((ScaledInputBlock)mixers.Branches[0].Block).Block;
        Assert.That(mamba.Heads * mamba.HeadDim, Is.EqualTo(columns));
    }

    [Test]
    public void Nemotron_3_has_one_block_in_each_layer_in_both_forms_of_its_list()
    {
        DecoderDescription pattern = Describe("later-nemotron-h", """{"hybrid_override_pattern":"M*-E","num_hidden_layers":4}""");
        DecoderDescription list = Describe(
            "later-nemotron-h",
            """{"hybrid_override_pattern":null,"num_hidden_layers":null,"layers_block_type":["mamba","attention","mlp","moe"]}""");
        Type[] expected = [typeof(MambaBlock), typeof(AttentionBlock), typeof(PlainMlpBlock), typeof(ExpertsBlock)];
        foreach (DecoderDescription decoder in (DecoderDescription[])[pattern, list])
        {
            Assert.That(decoder.Layers.Select(layer => layer.Branches.Single().Block.GetType()), Is.EqualTo(expected));
        }
    }

    [Test]
    public void Nemotron_3_is_known_under_the_names_of_both_versions_of_the_reference()
    {
        DecoderModules modules = DecoderModules.Of(Describe("later-nemotron-h"));
        string[][] names = [.. modules.Targets.Select(target => target.Names.ToArray())];
        Assert.That(names, Does.Contain((string[])["backbone.embeddings", "model.embeddings"]));
        Assert.That(names, Does.Contain((string[])["backbone.layers.0.mixer.in_proj", "model.layers.0.mixer.in_proj"]));
        Assert.That(names, Does.Contain((string[])["lm_head"]));
    }

    [Test]
    public void Gemma_4_has_experts_beside_the_feed_forward_block_of_every_layer()
    {
        DecoderDescription decoder = Describe("later-gemma4-moe");
        Branch branch = decoder.Layers[0].Branches[1];
        var parts = (ParallelBlock)branch.Block;
        Assert.That(branch.Norm, Is.Null, "the router reads the residual stream itself");
        Assert.That(parts.Branches.Select(part => part.Block.GetType()), Is.EqualTo((Type[])[typeof(GatedMlpBlock), typeof(ExpertsBlock)]));
        Assert.That(
            parts.Branches.Select(part => part.NormBehind!.Name),
            Is.EqualTo((string[])["post_feedforward_layernorm_1", "post_feedforward_layernorm_2"]));
    }

    [Test]
    public void Experts_of_LFM2_may_do_without_the_correction()
    {
        var block = (ExpertsBlock)Describe("later-lfm2-moe", """{"use_expert_bias":false}""").Layers[1].Branches[1].Block;
        Assert.That(block.Correction, Is.Null);
        Assert.That(block.Routing.SumOffset, Is.EqualTo(1e-6f));
    }

    [Test]
    public void OLMoE_may_limit_queries_keys_and_values()
    {
        Assert.That(((AttentionBlock)Describe("later-olmoe").Layers[0].Branches[0].Block).Limit, Is.Null);
        Assert.That(((AttentionBlock)Describe("later-olmoe", """{"clip_qkv":8}""").Layers[0].Branches[0].Block).Limit, Is.EqualTo(8));
    }

    [TestCase("later-qwen3-5", """{"attn_output_gate":false}""", "attn_output_gate")]
    [TestCase("later-qwen3-5", """{"layer_types":["linear_attention","sliding_attention","linear_attention","full_attention"]}""",
        "layer_types")]
    [TestCase("later-granite-hybrid", """{"position_embedding_type":"alibi"}""", "position_embedding_type")]
    [TestCase("later-granite-hybrid", """{"time_step_limit":[0.0,0.1]}""", "time_step_limit")]
    [TestCase("later-granite-hybrid", """{"layer_types":["mamba","mlp","mamba"]}""", "layer_types")]
    [TestCase("later-nemotron-h", """{"mamba_proj_bias":true}""", "mamba_proj_bias")]
    [TestCase("later-nemotron-h", """{"hybrid_override_pattern":"MXM*E"}""", "hybrid_override_pattern")]
    [TestCase("later-nemotron-h", """{"mamba_hidden_act":"gelu"}""", "mamba_hidden_act")]
    public void What_is_not_served_is_refused_by_name(string name, string settings, string mention) =>
        Refused(name, settings, LoadErrorKind.Incompatible, mention);

    [TestCase("later-qwen3-5", """{"linear_num_value_heads":3}""", "linear_num_value_heads")]
    [TestCase("later-qwen3-5", """{"linear_key_head_dim":512}""", "linear_key_head_dim")]
    [TestCase("later-qwen3-5", """{"linear_conv_kernel_dim":1}""", "linear_conv_kernel_dim")]
    [TestCase("later-qwen3-5", """{"layer_types":["full_attention"]}""", "layer_types")]
    [TestCase("later-granite-hybrid", """{"mamba_n_heads":7}""", "mamba_n_heads")]
    [TestCase("later-granite-hybrid", """{"mamba_d_head":3}""", "mamba_d_head")]
    [TestCase("later-granite-hybrid", """{"mamba_n_groups":4}""", "mamba_n_groups")]
    [TestCase("later-falcon-h1", """{"ssm_multipliers":[1,1]}""", "ssm_multipliers")]
    [TestCase("later-nemotron-h", """{"num_hidden_layers":4}""", "num_hidden_layers")]
    [TestCase("later-nemotron-h", """{"hybrid_override_pattern":""}""", "hybrid_override_pattern")]
    [TestCase("later-gemma4-moe", """{"top_k_experts":7}""", "top_k_experts")]
    public void What_cannot_be_is_an_error_of_the_configuration(string name, string settings, string mention) =>
        Refused(name, settings, LoadErrorKind.Config, mention);

    [TestCase("""{"time_step_limit":[0.0,{"__float__":"Infinity"}]}""")]
    [TestCase("""{"time_step_limit":null}""")]
    public void Steps_without_limits_are_said_in_several_ways(string settings) =>
        Assert.That(Describe("later-granite-hybrid", settings).Layers, Has.Length.EqualTo(3));

    private static void Refused(string name, string settings, LoadErrorKind kind, string mention)
    {
        FormatError error = Assert.Throws<FormatError>(() => Describe(name, settings))!;
        Assert.That(error.Message, Does.Contain(mention));
        Assert.That(error.Kind, Is.EqualTo(kind), error.Message);
    }

    /// <summary>The decoder of a configuration with other settings.</summary>
    private static DecoderDescription Describe(string name, params ReadOnlySpan<string> settings)
    {
        JsonObject config = JsonNode.Parse(
            File.ReadAllText(Path.Combine(RepositoryFolder.Fixtures, "configs", name, "config.json")))!.AsObject();
        foreach (string some in settings)
        {
            foreach ((string key, JsonNode? value) in JsonNode.Parse(some)!.AsObject().ToArray())
            {
                config[key] = value?.DeepClone();
            }
        }

        return DecoderFamilies.Describe(ConfigDocument.Parse(Encoding.UTF8.GetBytes(config.ToJsonString()), "test.json"));
    }
}
