using System.Collections.Immutable;
using NUnit.Framework;
using SLoRA.Adapters.Intake;
using SLoRA.Core.Tests.Adapters;
using SLoRA.Formats;
using SLoRA.Models;

namespace SLoRA.Core.Tests.Formats.Peft;

/// <summary>Files of other trainers in the place of PEFT's: the message says what they are and what to do.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class ForeignTensorTests
{
    private static readonly ImmutableArray<TargetModule> Targets = TestAdapter.Model(1, 8, 8, vocabulary: 5);

    [TestCase("base_model.model.model.layers.0.self_attn.q_proj.lora_A.french.weight", "'french'", "save_pretrained")]
    [TestCase("base_model.model.model.embed_tokens.lora_embedding_B.french", "'french'", "'.french'")]
    [TestCase("base_model.model.model.embed_tokens.token_adapter.trainable_tokens_delta.french", "'french'", "'.french'")]
    [TestCase("base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector.french", "'french'", "'.french'")]
    [TestCase("base_model.model.model.layers.0.self_attn.q_proj.lora_B.bias", "trained bias", "lora_bias")]
    [TestCase("base_model.model.lm_head.original_module.weight", "trained whole", "save_pretrained")]
    [TestCase("base_model.model.model.embed_tokens.token_adapter.trainable_tokens_original", "trained rows", "save_pretrained")]
    [TestCase("v_head.summary.weight", "value head", "without it")]
    [TestCase("pretrained_model.v_head.summary.bias", "value head", "without it")]
    [TestCase("model.layers.0.self_attn.q_proj.lora_a", "MLX", "adapters.safetensors")]
    [TestCase("lora_unet_down_blocks_0.lora_down.weight", "kohya", "convert")]
    [TestCase("base_model.model.model.layers.0.self_attn.q_proj.hada_w1_a", "LoHa", "not served")]
    public void A_tensor_of_another_trainer_is_told_what_it_is(string tensor, string what, string advice)
    {
        TestAdapter adapter = TestAdapter.For(Targets, _ => 2, _ => TensorType.F32);
        adapter.Tensors.Add((tensor, "F32", [1], new byte[4]));
        var error = Assert.Throws<AdapterLoadException>(() => AdapterDescription.Read(adapter.InMemory(), Targets))!;
        Assert.That(error.Message, Does.Contain(what).And.Contain(advice));
        Assert.That(error.Subject, Is.EqualTo(tensor));
    }

    [TestCase("base_model.model.module.")]
    [TestCase("pretrained_model.base_model.model.")]
    [TestCase("pretrained_model.module.")]
    public void Prefixes_of_trainers_say_nothing_about_the_function(string prefix)
    {
        TestAdapter plain = TestAdapter.For(Targets, _ => 2, _ => TensorType.F32),
            wrapped = TestAdapter.For(Targets, _ => 2, _ => TensorType.F32);
        for (int at = 0; at < wrapped.Tensors.Count; at++)
        {
            wrapped.Tensors[at] =
                wrapped.Tensors[at] with { Name = wrapped.Tensors[at].Name.Replace("base_model.model.", prefix, StringComparison.Ordinal) };
        }

        Assert.That(Id(wrapped), Is.EqualTo(Id(plain)));
    }

    [TestCase("config.json", "folder of a model")]
    [TestCase("adapters.safetensors", "MLX")]
    [TestCase("pytorch_lora_weights.safetensors", "diffusers")]
    [TestCase("adapter-f16.gguf", "GGUF")]
    [TestCase("adapter_model-00002-of-00002.safetensors", "index.json")]
    public void A_folder_of_something_else_is_told_what_it_is(string file, string mention)
    {
        using var folder = new TemporaryFolder();
        folder.Write(file, "x");
        Assert.That(Refused(folder.Path).Message, Does.Contain(file).And.Contain(mention));
    }

    [Test]
    public void The_folder_around_an_adapters_names_that_of_the_adapter()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(Path.Combine(folder.Path, "checkpoint-500"));
        folder.Write("checkpoint-500/adapter_config.json", "{}");
        Assert.That(Refused(folder.Path).Message, Does.Contain("'checkpoint-500'"));
    }

    [Test]
    public void Of_several_checkpoints_the_newest_is_suggested_and_none_is_taken()
    {
        using var folder = new TemporaryFolder();
        foreach (int number in (int[])[500, 1000, 90])
        {
            Directory.CreateDirectory(Path.Combine(folder.Path, $"checkpoint-{number}"));
            folder.Write($"checkpoint-{number}/adapter_config.json", "{}");
        }

        Assert.That(Refused(folder.Path).Message, Does.Contain("'checkpoint-1000'").And.Contain("newest"));
    }

    [TestCase("mp_rank_00_model_states.pt")]
    [TestCase("zero_pp_rank_0_mp_rank_00_optim_states.pt")]
    [TestCase("pytorch_model_fsdp.bin")]
    [TestCase("__0_0.distcp")]
    public void What_sharded_training_leaves_is_named(string file)
    {
        using var folder = new TemporaryFolder();
        folder.Write(file, "x");
        Assert.That(Refused(folder.Path).Message, Does.Contain(file).And.Contain("DeepSpeed or FSDP").And.Contain("Gather"));
    }

    [TestCase("adapter_model.bin")]
    [TestCase("adapter_model-00001-of-00002.bin")]
    [TestCase("adapter_model.pt")]
    [TestCase("LoRA.PTH")]
    [TestCase("last.ckpt")]
    public void A_pickle_is_named_with_the_way_to_convert_it(string file)
    {
        using var folder = new TemporaryFolder();
        folder.Write("adapter_config.json", """{"peft_type":"LORA","r":4,"lora_alpha":8,"target_modules":["q_proj"]}""");
        folder.Write("optimizer.pt", "x");
        folder.Write("rng_state_0.pth", "x");
        folder.Write("training_args.bin", "x");
        Assert.That(Refused(folder.Path).Message, Does.Contain("adapter_model.safetensors").And.Not.Contain("pickle"));
        folder.Write(file, "x");
        Assert.That(Refused(folder.Path).Message, Does.Contain(file).And.Contain("is a pickle").And.Contain("safe_serialization=True"));
    }

    [TestCase("""{"fine_tune_type":"lora","num_layers":4,"lora_parameters":{"rank":8,"scale":20.0}}""", "MLX")]
    [TestCase("""{"architectures":["LlamaForCausalLM"],"model_type":"llama"}""", "model's configuration")]
    public void A_configuration_of_something_else_is_told_what_it_is(string json, string mention)
    {
        using var folder = new TemporaryFolder();
        folder.Write("adapter_config.json", json);
        Assert.That(Refused(folder.Path).Message, Does.Contain(mention));
    }

    private static AdapterLoadException Refused(string folder) =>
        Assert.Throws<AdapterLoadException>(() => AdapterDescription.Read(new AdapterFolder("tenant", folder), Targets))!;

    private static GenerationId Id(TestAdapter adapter)
    {
        using AdapterContent content = AdapterContent.Load(AdapterDescription.Read(adapter.InMemory(), Targets), _ => default);
        return content.Id;
    }
}
