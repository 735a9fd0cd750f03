using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using NUnit.Framework;
using SLoRA.Core.Tests.Adapters;
using SLoRA.Formats;
using SLoRA.Formats.Peft;

namespace SLoRA.Core.Tests.Formats.Peft;

internal sealed class PeftConfigReaderTests
{
    [Test]
    public void A_configuration_of_PEFT_0_2_loads()
    {
        PeftConfig config = PeftConfigReader.Read(
            ConfigDocument.Read(Path.Combine(FixtureModel.AdapterPath("core-llama-gqa", "old-config"), "adapter_config.json")));
        Assert.Multiple(() =>
        {
            Assert.That(config.Rank, Is.EqualTo(8));
            Assert.That(config.Alpha, Is.EqualTo(16));
            Assert.That(config.UseRsLora, Is.False);
            Assert.That(config.TargetModules!.Names, Is.EqualTo(new[] { "q_proj", "v_proj" }));
            Assert.That(config.RankPattern, Is.Empty);
            Assert.That(config.LayersToTransform, Is.Empty);
        });
    }

    [Test]
    public void Every_option_that_is_read_arrives()
    {
        PeftConfig config = Read("""
            "use_rslora": true, "use_dora": true, "rank_pattern": {"b": 3, "a": 2}, "alpha_pattern": {"z": 1.5}, "exclude_modules": "x.*",
            "layers_to_transform": [4, 2], "layers_pattern": ["h", "layers"]
            """);
        Assert.Multiple(() =>
        {
            Assert.That(config.UseRsLora, Is.True);
            Assert.That(config.UseDora, Is.True);
            Assert.That(config.RankPattern.Select(pair => $"{pair.Key}={pair.Value}"), Is.EqualTo(new[] { "b=3", "a=2" }), "in file order");
            Assert.That(config.AlphaPattern.Single(), Is.EqualTo(KeyValuePair.Create("z", 1.5)));
            Assert.That(config.ExcludeModules!.Expression, Is.EqualTo("x.*"));
            Assert.That(config.LayersToTransform, Is.EqualTo(new[] { 4, 2 }));
            Assert.That(config.LayersPattern, Is.EqualTo(new[] { "h", "layers" }));
        });
    }

    [TestCase("peft_type", "\"IA3\"")]
    [TestCase("peft_type", "\"ADALORA\"")]
    [TestCase("task_type", "\"SEQ_CLS\"")]
    [TestCase("layer_replication", "[[0,2]]")]
    [TestCase("fan_in_fan_out", "true")]
    [TestCase("megatron_config", "{\"a\":1}")]
    [TestCase("use_qalora", "true")]
    [TestCase("use_bdlora", "{\"nblocks\":2}")]
    [TestCase("arrow_config", "{\"top_k\":2}")]
    [TestCase("kasa_config", "{\"beta\":1}")]
    [TestCase("monteclora_config", "{\"num_samples\":2}")]
    [TestCase("enable_lora", "[true,false]")]
    [TestCase("init_lora_weights", "\"pissa\"")]
    [TestCase("init_lora_weights", "\"pissa_niter_16\"")]
    [TestCase("init_lora_weights", "\"olora\"")]
    [TestCase("init_lora_weights", "\"OLoRA\"")]
    [TestCase("init_lora_weights", "\"corda\"")]
    [TestCase("init_lora_weights", "\"loftq\"")]
    [TestCase("init_lora_weights", "\"lora_ga\"")]
    public void What_is_not_plain_LoRA_is_refused_by_name(string option, string value) =>
        Refused(option, value, LoadErrorKind.Incompatible);

    [TestCase("peft_type", "null")]
    [TestCase("peft_type", "1")]
    [TestCase("task_type", "\"POETRY\"")]
    [TestCase("r", "null")]
    [TestCase("r", "0")]
    [TestCase("r", "65537")]
    [TestCase("r", "\"8\"")]
    [TestCase("r", "true")]
    [TestCase("lora_alpha", "null")]
    [TestCase("lora_alpha", "1e39")]
    [TestCase("lora_dropout", "-1")]
    [TestCase("use_rslora", "1")]
    [TestCase("bias", "\"some\"")]
    [TestCase("rank_pattern", "{\"q_proj\":0}")]
    [TestCase("rank_pattern", "[1]")]
    [TestCase("alpha_pattern", "{\"q_proj\":\"1\"}")]
    [TestCase("target_modules", "\"\"")]
    [TestCase("target_modules", "[1]")]
    [TestCase("target_modules", "7")]
    [TestCase("exclude_modules", "7")]
    [TestCase("layers_to_transform", "[-1]")]
    [TestCase("layers_to_transform", "[1.5]")]
    [TestCase("layers_to_transform", "\"1\"")]
    [TestCase("layers_pattern", "\"layers\"")]
    [TestCase("modules_to_save", "\"lm_head\"")]
    [TestCase("trainable_token_indices", "7")]
    [TestCase("trainable_token_indices", "[1,1]")]
    [TestCase("trainable_token_indices", "[-1]")]
    [TestCase("trainable_token_indices", "{\"embed_tokens\":[]}")]
    [TestCase("trainable_token_indices", "{\"embed_tokens\":5}")]
    [TestCase("alora_invocation_tokens", "7")]
    [TestCase("alora_invocation_tokens", "[0.5]")]
    [TestCase("ensure_weight_tying", "\"yes\"")]
    [TestCase("lora_bias", "1")]
    [TestCase("init_lora_weights", "1")]
    [TestCase("brand_new_option", "true")]
    [TestCase("brand_new_option", "0.5")]
    [TestCase("brand_new_option", "{\"a\":null}")]
    public void An_impossible_or_unknown_option_is_refused_by_name(string option, string value) =>
        Refused(option, value, LoadErrorKind.Config);

    [TestCase("brand_new_option", "null")]
    [TestCase("brand_new_option", "false")]
    [TestCase("brand_new_option", "0")]
    [TestCase("brand_new_option", "\"\"")]
    [TestCase("brand_new_option", "[]")]
    [TestCase("brand_new_option", "{ }")]
    [TestCase("modules_to_save", "[]")]
    [TestCase("target_parameters", "[]")]
    [TestCase("alora_invocation_tokens", "[]")]
    [TestCase("layers_to_transform", "[]")]
    [TestCase("layers_pattern", "[]")]
    [TestCase("exclude_modules", "[]")]
    [TestCase("task_type", "null")]
    [TestCase("merge_weights", "true")]
    [TestCase("qalora_group_size", "16")]
    [TestCase("megatron_core", "\"megatron.core\"")]
    [TestCase("auto_mapping", "{\"base_model_class\":\"LlamaForCausalLM\"}")]
    [TestCase("loftq_config", "{\"loftq_bits\":4}")]
    [TestCase("eva_config", "{\"rho\":2.0}")]
    [TestCase("velora_config", "{\"num_groups\":2}")]
    [TestCase("runtime_config", "{\"ephemeral_gpu_offload\":false}")]
    [TestCase("init_lora_weights", "true")]
    [TestCase("init_lora_weights", "false")]
    [TestCase("init_lora_weights", "\"gaussian\"")]
    [TestCase("init_lora_weights", "\"Gaussian\"")]
    [TestCase("init_lora_weights", "\"eva\"")]
    [TestCase("init_lora_weights", "\"orthogonal\"")]
    [TestCase("init_lora_weights", "\"mica\"")]
    [TestCase("peft_version", "\"0.99.0\"")]
    public void What_has_no_effect_is_accepted(string option, string value) => Assert.That(With(option, value).Rank, Is.EqualTo(4));

    [Test]
    public void What_is_beyond_plain_LoRA_is_read()
    {
        Assert.That(With("bias", "\"all\"").Bias, Is.EqualTo(PeftBias.All));
        Assert.That(With("bias", "\"lora_only\"").Bias, Is.EqualTo(PeftBias.LoraOnly));
        Assert.That(With("lora_bias", "true").LoraBias, Is.True);
        Assert.That(With("modules_to_save", "[\"lm_head\"]").ModulesToSave, Is.EqualTo(new[] { "lm_head" }));
        Assert.That(With("alora_invocation_tokens", "[3,1,3]").InvocationTokens, Is.EqualTo(new[] { 3, 1, 3 }));
        Assert.That(With("ensure_weight_tying", "true").EnsureWeightTying, Is.True);
        Assert.That(With("trainable_token_indices", "[5,2]").TrainableTokens.Single().Key, Is.Null);
        KeyValuePair<string?, ImmutableArray<int>> tokens = With("trainable_token_indices", "{\"lm_head\":[5,2]}").TrainableTokens.Single();
        Assert.That((tokens.Key, string.Join(' ', tokens.Value)), Is.EqualTo(("lm_head", "5 2")));
    }

    [TestCase("\"use_dora\":true,\"lora_bias\":true", "lora_bias", LoadErrorKind.Config)]
    [TestCase("\"alora_invocation_tokens\":[1],\"use_dora\":true", "alora_invocation_tokens", LoadErrorKind.Incompatible)]
    [TestCase("\"alora_invocation_tokens\":[1],\"bias\":\"all\"", "alora_invocation_tokens", LoadErrorKind.Incompatible)]
    [TestCase(
        "\"alora_invocation_tokens\":[1],\"modules_to_save\":[\"lm_head\"]", "alora_invocation_tokens", LoadErrorKind.Incompatible)]
    [TestCase("\"alora_invocation_tokens\":[1],\"trainable_token_indices\":[1]", "alora_invocation_tokens", LoadErrorKind.Incompatible)]
    public void Kinds_that_do_not_go_together_are_refused_by_name(string options, string subject, LoadErrorKind kind)
    {
        var error = Assert.Throws<FormatError>(() => Read(options))!;
        Assert.That((error.Kind, error.Subject), Is.EqualTo((kind, subject)));
    }

    [Test]
    public void Scales_are_those_of_PEFT()
    {
        Assert.That(With("use_rslora", "false").Scale(3, 5), Is.EqualTo((float)(5.0 / 3)));
        Assert.That(With("use_rslora", "true").Scale(3, 5), Is.EqualTo((float)(5.0 / Math.Sqrt(3))));
    }

    private static void Refused(string option, string value, LoadErrorKind kind)
    {
        var error = Assert.Throws<FormatError>(() => With(option, value))!;
        Assert.Multiple(() =>
        {
            Assert.That(error.Kind, Is.EqualTo(kind));
            Assert.That(error.Subject, Does.StartWith(option));
            Assert.That(error.Message, Does.StartWith("adapter_config.json: "));
        });
    }

    private static PeftConfig With(string option, string value)
    {
        JsonObject json =
            JsonNode.Parse("""{"peft_type":"LORA","task_type":"CAUSAL_LM","r":4,"lora_alpha":8,"target_modules":["q_proj"]}""")!.AsObject();
        json[option] = JsonNode.Parse(value);
        return Parse(json.ToJsonString());
    }

    private static PeftConfig Read(string options) =>
        Parse($$"""{"peft_type":"LORA","r":4,"lora_alpha":8,"target_modules":["q_proj"],{{options}}}""");

    private static PeftConfig Parse(string json) =>
        PeftConfigReader.Read(ConfigDocument.Parse(JsonSerializer.SerializeToUtf8Bytes(JsonNode.Parse(json)), "adapter_config.json"));
}
