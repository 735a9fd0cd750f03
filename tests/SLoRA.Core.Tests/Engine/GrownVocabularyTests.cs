using System.Text.Json.Nodes;
using NUnit.Framework;
using SLoRA.Core.Tests.Adapters;
using SLoRA.Core.Tests.Backends.Gpu;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Engine;

/// <summary>
/// Adapters with tokens that the model does not have, against the model that has them: logits of all tokens are the same but for rounding,
/// for this adapter's requests and for nobody else's.
/// </summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
[Parallelizable(ParallelScope.All)]
internal sealed class GrownVocabularyTests
{
    private const string Untied = "core-llama-gqa";
    private const string Tied = "core-llama-tied-llama3";
    private const int Added = 3;
    private const float Tolerance = 2e-4f;

    private readonly TestAdapter _adapter = new();
    private readonly Random _random = new(5);
    private ChangedModel _model = null!;
    private int _vocabulary;

    [Test]
    public void Whole_embedding_and_head([Values("Reference", "Cpu", "Cpu, 2 shards", "Gpu")] string backend)
    {
        Begin(Untied);
        Lora("model.layers.1.self_attn.q_proj", 64, 64);
        _adapter.Config["target_modules"] = new JsonArray("layers.1.self_attn.q_proj");
        _adapter.Config["modules_to_save"] = new JsonArray("embed_tokens", "lm_head");
        foreach (string end in (string[])["model.embed_tokens.weight", "lm_head.weight"])
        {
            float[] values = _model.Values(end);
            for (int at = 0; at < values.Length; at++)
            {
                values[at] += (_random.NextSingle() - 0.5f) * 0.02f;
            }

            Store(end, end);
        }

        AssertEqual(Untied, backend);
    }

    [Test]
    public void Resized_ends_beside_lora_elsewhere([Values("Reference", "Cpu", "Cpu, 2 shards", "Gpu")] string backend)
    {
        Begin(Untied);
        Lora("model.layers.1.self_attn.q_proj", 64, 64);
        _adapter.Config["target_modules"] = new JsonArray("layers.1.self_attn.q_proj");
        Store("model.embed_tokens.weight", "model.embed_tokens.weight");
        Store("lm_head.weight", "lm_head.weight");

        AssertEqual(Untied, backend);
    }

    [Test]
    public void Lora_on_resized_ends([Values("Reference", "Cpu", "Cpu, 2 shards", "Gpu")] string backend)
    {
        Begin(Untied);
        Lora("model.embed_tokens", _vocabulary + Added, 64);
        Lora("lm_head", 64, _vocabulary + Added);
        _adapter.Config["target_modules"] = new JsonArray("embed_tokens", "lm_head");
        Store("model.embed_tokens.weight", "model.embed_tokens.base_layer.weight", fromCopy: true);
        Store("lm_head.weight", "lm_head.base_layer.weight", fromCopy: true);

        AssertEqual(Untied, backend);
    }

    [Test]
    public void Trained_tokens_among_the_added_ones_and_others_of_tied_ends(
        [Values("Reference", "Cpu", "Cpu, 2 shards", "Gpu")] string backend)
    {
        Begin(Tied);
        Lora("model.layers.1.self_attn.q_proj", 64, 64);
        _adapter.Config["target_modules"] = new JsonArray("layers.1.self_attn.q_proj");
        Store("model.embed_tokens.weight", "model.embed_tokens.token_adapter.base_layer.weight");
        Train(_vocabulary + 1, 7);

        AssertEqual(Tied, backend);
    }

    [Test]
    public void Trained_tokens_that_are_all_the_added_ones([Values("Reference", "Cpu", "Cpu, 2 shards", "Gpu")] string backend)
    {
        Begin(Tied);
        Lora("model.layers.1.self_attn.q_proj", 64, 64);
        _adapter.Config["target_modules"] = new JsonArray("layers.1.self_attn.q_proj");
        Train(_vocabulary + 2, _vocabulary, 9, _vocabulary + 1);

        AssertEqual(Tied, backend);
    }

    [Test]
    public void Nobody_else_has_the_tokens_and_the_adapter_no_more_than_its_own()
    {
        Begin(Tied);
        Lora("model.layers.1.self_attn.q_proj", 64, 64);
        _adapter.Config["target_modules"] = new JsonArray("layers.1.self_attn.q_proj");
        Train(_vocabulary, _vocabulary + 1, _vocabulary + 2);
        using var folder = new TemporaryFolder();
        _adapter.Write(folder.Path);
        using SteppedEngine engine = Engine(Path.Combine(FixtureModel.Root, Tied, "model"), "Cpu", folder.Path);
        GenerationRequest asks = new() { Prompt = (int[])[1, _vocabulary + 2], MaxTokens = 2, Adapter = "tenant" };

        Assert.That(() => engine.Ask(asks with { Adapter = null }), Throws.TypeOf<InvalidRequestException>()
            .With.Message.Contains($"{_vocabulary + 2}").And.Message.Contains($"0 to {_vocabulary - 1}"));
        Assert.That(() => engine.Ask(asks with { Prompt = (int[])[_vocabulary + 3] }), Throws.TypeOf<InvalidRequestException>()
            .With.Message.Contains($"0 to {_vocabulary + 2}"));
        Assert.That(() => engine.Ask(asks with { StopTokens = [_vocabulary + 2] }), Throws.Nothing);

        // What a name stands for is known for sure when the request arrives: here another adapter has taken it since.
        engine.Run(engine.Adapters.ReplaceAsync("tenant", Path.Combine(FixtureModel.Root, Tied, "adapters", "qv-r8")));
        Assert.That(() => engine.Ask(asks), Throws.TypeOf<InvalidRequestException>());
    }

    [TestCase(2, "3 tokens more than the model")]
    [TestCase(3, null)]
    public void An_engine_takes_as_many_as_its_options_say(int most, string? refusal)
    {
        Begin(Tied);
        Lora("model.layers.1.self_attn.q_proj", 64, 64);
        _adapter.Config["target_modules"] = new JsonArray("layers.1.self_attn.q_proj");
        Train(_vocabulary, _vocabulary + 1, _vocabulary + 2);
        using var folder = new TemporaryFolder();
        _adapter.Write(folder.Path);
        using SteppedEngine engine = Engine(Path.Combine(FixtureModel.Root, Tied, "model"), "Cpu", null, most);
        Task register = engine.Adapters.RegisterAsync("tenant", folder.Path);

        if (refusal is null)
        {
            Assert.That(() => engine.Run(register), Throws.Nothing);
            return;
        }

        Assert.That(() => engine.Run(register), Throws.TypeOf<AdapterLoadException>()
            .With.Property("Kind").EqualTo(LoadErrorKind.Incompatible).And.Message.Contains(refusal));
    }

    [TestCase(true, false, "use_dora")]
    [TestCase(false, true, "differs")]
    public void What_makes_no_function_of_this_model_is_refused(bool dora, bool changesBase, string named)
    {
        Begin(Untied);
        Lora("model.embed_tokens", _vocabulary + Added, 64);
        Lora("lm_head", 64, _vocabulary + Added);
        _adapter.Config["target_modules"] = new JsonArray("embed_tokens", "lm_head");
        if (dora)
        {
            _adapter.Config["use_dora"] = true;
            _adapter.Add("base_model.model.model.embed_tokens.lora_magnitude_vector", TensorType.F32, [64], _random);
            _adapter.Add("base_model.model.lm_head.lora_magnitude_vector", TensorType.F32, [_vocabulary + Added], _random);
        }

        _model.Values("lm_head.weight")[5] += changesBase ? 1 : 0;
        Store("model.embed_tokens.weight", "model.embed_tokens.base_layer.weight");
        Store("lm_head.weight", "lm_head.base_layer.weight");
        using var folder = new TemporaryFolder();
        _adapter.Write(folder.Path);
        using SteppedEngine engine = Engine(Path.Combine(FixtureModel.Root, Untied, "model"), "Cpu", null);

        Assert.That(
            () =>
            {
                engine.Run(engine.Adapters.RegisterAsync("tenant", folder.Path));
                engine.Run(engine.Adapters.PreloadAsync("tenant"));
            },
            Throws.TypeOf<AdapterLoadException>().With.Message.Contains(named));
    }

    private void Begin(string fixture)
    {
        _model = new ChangedModel(fixture);
        _vocabulary = (int)_model.ShapeOf("model.embed_tokens.weight")[0];
        foreach (string end in _model.Names.Where(name => name is "model.embed_tokens.weight" or "lm_head.weight").ToArray())
        {
            _model.Grow(end, Added, _random);
        }

        _model.Set("vocab_size", _vocabulary + Added);
    }

    private readonly Dictionary<string, float[]> _copies = [];

    /// <summary>LoRA of rank 4 on a module, worked into the model's weight.</summary>
    private void Lora(string module, int inputs, int outputs)
    {
        bool isTable = module.EndsWith("embed_tokens", StringComparison.Ordinal);
        float[] weight = _model.Values(module + ".weight");
        _copies[module + ".weight"] = [.. weight];
        float[] a = Random(4 * inputs), b = Random(outputs * 4);
        string prefix = "base_model.model." + module;
        _adapter.Tensors.Add((prefix + (isTable ? ".lora_embedding_A" : ".lora_A.weight"), "F32", [4, inputs], Bytes(a)));
        _adapter.Tensors.Add((prefix + (isTable ? ".lora_embedding_B" : ".lora_B.weight"), "F32", [outputs, 4], Bytes(b)));
        for (int at = 0; at < weight.Length; at++)
        {
            (int input, int output) = isTable ? (at / outputs, at % outputs) : (at % inputs, at / inputs);
            for (int r = 0; r < 4; r++)
            {
                // Alpha 8 over rank 4.
                weight[at] += 2 * a[(r * inputs) + input] * b[(output * 4) + r];
            }
        }
    }

    private void Store(string tensor, string name, bool fromCopy = false) => _adapter.Tensors.Add(
        ("base_model.model." + name, "F32", _model.ShapeOf(tensor), Bytes(fromCopy ? _copies[tensor] : [.. _model.Values(tensor)])));

    private void Train(params int[] ids)
    {
        const string Table = "model.embed_tokens";
        int columns = (int)_model.ShapeOf(Table + ".weight")[1];
        float[] rows = [.. Random(ids.Length * columns).Select(value => 3 * value)];
        for (int at = 0; at < ids.Length; at++)
        {
            rows.AsSpan(at * columns, columns).CopyTo(_model.Values(Table + ".weight").AsSpan(ids[at] * columns));
        }

        _adapter.Config["trainable_token_indices"] = new JsonArray([.. ids.Select(id => (JsonNode)id)]);
        _adapter.Tensors.Add(
            ($"base_model.model.{Table}.token_adapter.trainable_tokens_delta", "F32", [ids.Length, columns], Bytes(rows)));
    }

    private void AssertEqual(string fixture, string backend)
    {
        using var changed = new TemporaryFolder();
        using var folder = new TemporaryFolder();
        _model.Write(changed);
        _adapter.Write(folder.Path);
        int[] prompt = [.. Enumerable.Range(0, 40).Select(i => i * 31 % (_vocabulary + Added)), _vocabulary + 2, _vocabulary, 5];
        int[] plain = [.. prompt.Where(token => token < _vocabulary)];
        var expected = new LogitsValues();
        using (SteppedEngine engine = Engine(changed.Path, backend, null))
        {
            engine.Finish(engine.Ask(Request(prompt, null, expected)));
        }

        LogitsValues actual = new(), beside = new(), alone = new(), besideIt = new();
        using (SteppedEngine engine = Engine(Path.Combine(FixtureModel.Root, fixture, "model"), backend, folder.Path))
        {
            engine.Finish(engine.Ask(Request(prompt, "tenant", actual)));
            engine.Finish(engine.Ask(Request(plain, null, alone)));
            engine.Finish([engine.Ask(Request(plain, null, besideIt)), engine.Ask(Request(prompt, "tenant", beside))]);
        }

        Assert.Multiple(() =>
        {
            Assert.That(actual.Width, Is.EqualTo(_vocabulary + Added));
            Assert.That(actual.LargestDifference(expected), Is.LessThan(Tolerance));
            Assert.That(beside.LargestDifference(actual), Is.Zero);
            Assert.That(alone.Width, Is.EqualTo(_vocabulary));
            Assert.That(besideIt.LargestDifference(alone), Is.Zero);
        });
    }

    private static GenerationRequest Request(int[] prompt, string? adapter, LogitsValues logits) =>
        new() { Prompt = prompt, MaxTokens = 6, Adapter = adapter, Tap = logits, IgnoreEndOfText = true };

    private static SteppedEngine Engine(string model, string backend, string? adapter, int most = 1024)
    {
        if (backend == "Gpu")
        {
            // Skips the test where there is no device.
            GpuTestDevice.Open().Dispose();
        }

        return new SteppedEngine(builder =>
        {
            builder.UseModel(model).ConfigurePool(pool => pool.Bytes = 16L << 20)
                .ConfigureAdapters(adapters => adapters.MaxAddedTokens = most);
            if (adapter is not null)
            {
                builder.AddAdapter("tenant", adapter);
            }

            _ = backend switch
            {
                "Gpu" => builder.UseGpu(),
                "Reference" => builder.UseReference(),
                "Cpu, 2 shards" => builder.UseCpu(cpu => cpu.Shards = 2),
                _ => builder.UseCpu(),
            };
        });
    }

    private float[] Random(int count) => [.. Enumerable.Range(0, count).Select(_ => (_random.NextSingle() - 0.5f) * 0.2f)];

    private static byte[] Bytes(float[] values) => TestAdapter.Bytes(TensorType.F32, values);
}
