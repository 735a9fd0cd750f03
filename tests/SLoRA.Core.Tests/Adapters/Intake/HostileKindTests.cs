using System.Collections.Immutable;
using System.Text.Json.Nodes;
using NUnit.Framework;
using SLoRA.Adapters.Intake;
using SLoRA.Formats;
using SLoRA.Models;

namespace SLoRA.Core.Tests.Adapters.Intake;

/// <summary>Adapters beyond plain LoRA whose values or options make no function of this model: each is refused by name.</summary>
internal sealed class HostileKindTests
{
    private const int In = 8;
    private const int Out = 12;
    private const int Vocabulary = 20;
    private const string Module = "base_model.model.model.layers.0.self_attn.q_proj";

    private static readonly ImmutableArray<TargetModule> Targets = TestAdapter.Model(1, In, Out, Vocabulary);

    /// <summary>W is 1 everywhere; to all of row 3 the adapter adds one value.</summary>
    [TestCase(-1f, 1f, TestName = "A_norm_of_zero")]
    [TestCase(3e38f, 1f, TestName = "A_norm_that_fp32_cannot_hold")]
    [TestCase(1e30f, 0f, TestName = "A_norm_that_fp32_cannot_hold_of_a_magnitude_of_zero")]
    [TestCase(0f, float.NaN, TestName = "A_magnitude_that_is_no_number")]
    [TestCase(0f, float.PositiveInfinity, TestName = "A_magnitude_without_end")]
    public void Dora_whose_factor_is_no_number_is_refused(float added, float magnitude)
    {
        float[] magnitudes = Filled(Out, 1);
        magnitudes[3] = magnitude;
        TestAdapter adapter = Lora(added);
        adapter.Config["use_dora"] = true;
        adapter.Tensors.Add((Module + ".lora_magnitude_vector", "F32", [Out], Bytes(magnitudes)));
        AssertRefused(adapter, Module + ".lora_magnitude_vector");
    }

    [Test]
    public void Dora_with_a_large_norm_that_fp32_can_hold_is_served()
    {
        TestAdapter adapter = Lora(1e15f);
        adapter.Config["use_dora"] = true;
        adapter.Tensors.Add((Module + ".lora_magnitude_vector", "F32", [Out], Bytes(Filled(Out, 1))));
        using AdapterContent content = Load(adapter);
        Assert.That(content.Changes.Single().Factor![3], Is.EqualTo(1 / (1e15 * Math.Sqrt(In))).Within(1e-5).Percent);
    }

    [Test]
    public void A_bias_of_B_that_the_scale_makes_infinite_is_refused()
    {
        TestAdapter adapter = Lora(1);
        adapter.Config["lora_alpha"] = 4;
        adapter.Config["lora_bias"] = true;
        adapter.Tensors.Add((Module + ".lora_B.bias", "F32", [Out], Bytes(Filled(Out, 2e38f))));
        AssertRefused(adapter, Module + ".lora_B.bias");
    }

    [TestCase("[3,20]", "20")]
    [TestCase("[2147483647]", "2147483647")]
    public void An_invocation_that_no_prompt_can_have_is_refused(string tokens, string named)
    {
        TestAdapter adapter = Lora(1);
        adapter.Config["alora_invocation_tokens"] = JsonNode.Parse(tokens);
        var error = Assert.Throws<AdapterLoadException>(() => AdapterDescription.Read(adapter.InMemory(), Targets))!;
        Assert.That((error.Kind, error.Subject), Is.EqualTo((LoadErrorKind.Incompatible, "alora_invocation_tokens")));
        Assert.That(error.Message, Does.Contain(named));
    }

    [Test]
    public void An_invocation_of_what_changes_keys_and_values_of_all_positions_is_refused()
    {
        TestAdapter adapter = Lora(1);
        adapter.Config["alora_invocation_tokens"] = new JsonArray(3);
        ImmutableArray<TargetModule> latents =
            [.. Targets.Select(target => Module.EndsWith(target.Name, StringComparison.Ordinal)
                ? target with { Views = new HeadViews(target.Index + 1, target.Index + 2, 1, Out / 2, Out / 2) }
                : target)];
        var error = Assert.Throws<AdapterLoadException>(() => AdapterDescription.Read(adapter.InMemory(), latents))!;
        Assert.That((error.Kind, error.Subject), Is.EqualTo((LoadErrorKind.Incompatible, "alora_invocation_tokens")));
        Assert.That(error.Message, Does.Contain("q_proj"));
        Assert.That(() => AdapterDescription.Read(adapter.InMemory(), Targets), Throws.Nothing, "where they are made once");
    }

    [TestCase("[3,3]")]
    [TestCase("[-1]")]
    [TestCase("[1.5]")]
    [TestCase("\"3\"")]
    [TestCase("{\"embed_tokens\":[]}")]
    public void Tokens_that_are_no_list_of_different_ones_are_refused(string tokens)
    {
        TestAdapter adapter = Lora(1);
        adapter.Config["trainable_token_indices"] = JsonNode.Parse(tokens);
        var error = Assert.Throws<AdapterLoadException>(() => AdapterDescription.Read(adapter.InMemory(), Targets))!;
        Assert.That(error.Kind, Is.EqualTo(LoadErrorKind.Config));
    }

    [TestCase(".lora_magnitude_vector", "use_dora", Out + 1)]
    [TestCase(".lora_magnitude_vector", "use_dora", 0)]
    [TestCase(".lora_magnitude_vector", "use_dora", 1)]
    [TestCase(".lora_B.bias", "lora_bias", In)]
    public void A_vector_of_another_length_is_refused(string name, string option, int length)
    {
        TestAdapter adapter = Lora(1);
        adapter.Config[option] = true;
        adapter.Tensors.Add((Module + name, "F32", [length], Bytes(Filled(length, 1))));
        var error = Assert.Throws<AdapterLoadException>(() => AdapterDescription.Read(adapter.InMemory(), Targets))!;
        Assert.That((error.Kind, error.Subject), Is.EqualTo((LoadErrorKind.Tensor, Module + name)));
    }

    private static TestAdapter Lora(float added)
    {
        var adapter = new TestAdapter();
        adapter.Config["r"] = 1;
        adapter.Config["lora_alpha"] = 1;
        var b = new float[Out];
        b[3] = added;
        adapter.Tensors.Add((Module + ".lora_A.weight", "F32", [1, In], Bytes(Filled(In, 1))));
        adapter.Tensors.Add((Module + ".lora_B.weight", "F32", [Out, 1], Bytes(b)));
        return adapter;
    }

    private static void AssertRefused(TestAdapter adapter, string tensor)
    {
        var error = Assert.Throws<AdapterLoadException>(() => Load(adapter).Dispose())!;
        Assert.That((error.Kind, error.Subject), Is.EqualTo((LoadErrorKind.Tensor, tensor)));
    }

    private static AdapterContent Load(TestAdapter adapter) => AdapterContent.Load(
        AdapterDescription.Read(adapter.InMemory(), Targets),
        target => Ones(target.InFeatures * target.OutFeatures));

    private static BaseWeight Ones(int count)
    {
        byte[] bytes = Bytes(Filled(count, 1));
        return new BaseWeight(
            WeightFormat.F32, count, (offset, destination) => bytes.AsSpan((int)offset, destination.Length).CopyTo(destination), true);
    }

    private static float[] Filled(int count, float value)
    {
        var values = new float[count];
        Array.Fill(values, value);
        return values;
    }

    private static byte[] Bytes(float[] values) => TestAdapter.Bytes(TensorType.F32, values);
}
