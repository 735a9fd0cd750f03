using NUnit.Framework;
using SLoRA.Formats.Peft;

namespace SLoRA.Core.Tests.Formats.Peft;

internal sealed class PeftTensorKeyTests
{
    [TestCase("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight", "model.layers.0.self_attn.q_proj", "A")]
    [TestCase("base_model.model.model.layers.0.self_attn.q_proj.lora_B.default.weight", "model.layers.0.self_attn.q_proj", "B")]
    [TestCase("model.layers.0.mlp.up_proj.lora_A.weight", "model.layers.0.mlp.up_proj", "A")]
    [TestCase("base_model.model.base_model.model.lm_head.lora_B.weight", "lm_head", "B")]
    [TestCase("module.base_model.model.lm_head.lora_B.weight", "lm_head", "B")]
    [TestCase("base_model.model._orig_mod.model.layers.0._checkpoint_wrapped_module.mlp.up_proj.lora_A.weight",
        "model.layers.0.mlp.up_proj", "A")]
    [TestCase("_fsdp_wrapped_module.base_model.model.model.embed_tokens.lora_embedding_A", "model.embed_tokens", "EmbeddingA")]
    [TestCase("base_model.model.model.embed_tokens.lora_embedding_B.default", "model.embed_tokens", "EmbeddingB")]
    [TestCase("base_model.model.model.embed_tokens.base_layer.weight", "model.embed_tokens", "Weight")]
    [TestCase("base_model.model.lm_head.weight", "lm_head", "Weight")]
    [TestCase("base_model.model.lm_head.modules_to_save.weight", "lm_head", "Weight")]
    [TestCase("base_model.model.lm_head.modules_to_save.default.weight", "lm_head", "Weight")]
    [TestCase("base_model.model.model.layers.0.mlp.modules_to_save.default.up_proj.weight", "model.layers.0.mlp.up_proj", "Weight")]
    [TestCase("base_model.model.model.layers.0.self_attn.q_proj.base_layer.bias", "model.layers.0.self_attn.q_proj", "Bias")]
    [TestCase("base_model.model.model.layers.0.self_attn.k_proj.bias", "model.layers.0.self_attn.k_proj", "Bias")]
    [TestCase("base_model.model.model.layers.0.self_attn.q_proj.lora_B.bias", "model.layers.0.self_attn.q_proj", "LoraBias")]
    [TestCase("base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector", "model.layers.0.self_attn.q_proj", "Magnitude")]
    [TestCase("model.layers.0.self_attn.q_proj.lora_magnitude_vector.default.weight", "model.layers.0.self_attn.q_proj", "Magnitude")]
    [TestCase("base_model.model.model.embed_tokens.token_adapter.trainable_tokens_delta", "model.embed_tokens", "TokenRows")]
    [TestCase("base_model.model.module.model.layers.0.self_attn.q_proj.lora_A.weight", "model.layers.0.self_attn.q_proj", "A")]
    [TestCase("pretrained_model.base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight", "model.layers.0.self_attn.q_proj", "B")]
    [TestCase("module.pretrained_model.base_model.model._orig_mod.module.lm_head.lora_B.default.weight", "lm_head", "B")]
    public void A_name_is_taken_apart(string tensor, string module, string role)
    {
        PeftTensorKey key = PeftTensorKey.Parse(tensor)!.Value;
        Assert.That((key.Module, key.Role.ToString()), Is.EqualTo((module, role)));
    }

    [TestCase("base_model.model.model.layers.0.self_attn.q_proj.lora_A")]
    [TestCase("base_model.model.model.layers.0.self_attn.q_proj.lora_A.other.weights")]
    [TestCase("lora_A.weights")]
    public void Other_tensors_are_none_of_LoRA(string tensor) => Assert.That(PeftTensorKey.Parse(tensor), Is.Null);

    [Test]
    public void A_module_may_have_lost_or_won_a_prefix()
    {
        Assert.That(new PeftTensorKey("model.model.layers.0.x", PeftTensorRole.A).Candidates(), Does.Contain("model.layers.0.x"));
        Assert.That(new PeftTensorKey("layers.0.x", PeftTensorRole.A).Candidates(), Does.Contain("model.layers.0.x"));
        Assert.That(new PeftTensorKey("model.lm_head", PeftTensorRole.A).Candidates(), Does.Contain("lm_head"));
    }

    [Test]
    public void A_name_of_nothing_but_prefixes_costs_no_more_than_its_length()
    {
        foreach (string prefix in (string[])["model.", "base_model.model.", "module.", "_orig_mod."])
        {
            string name = string.Concat(Enumerable.Repeat(prefix, 20_000)) + "x.lora_A.weight";
            long before = GC.GetAllocatedBytesForCurrentThread();
            PeftTensorKey key = PeftTensorKey.Parse(name)!.Value;
            Assert.That(key.Candidates().Count(), Is.LessThan(6));
            Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(20L * name.Length), prefix);
        }
    }

    [Test]
    public void Made_names_are_taken_apart_again()
    {
        foreach (PeftTensorRole role in Enum.GetValues<PeftTensorRole>())
        {
            Assert.That(PeftTensorKey.Parse(PeftTensorKey.Name("model.x", role)), Is.EqualTo(new PeftTensorKey("model.x", role)));
        }
    }
}
