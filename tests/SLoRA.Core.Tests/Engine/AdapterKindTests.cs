using System.Text.Json.Nodes;
using NUnit.Framework;
using SLoRA.Core.Tests.Adapters;
using SLoRA.Core.Tests.Backends.Gpu;
using SLoRA.Core.Tests.Backends.Shards;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Engine;

/// <summary>
/// Adapters beyond plain LoRA on a model, against the model with their change worked into its weights by the formulas of PEFT: the logits
/// of a prompt are the same but for rounding.
/// </summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
[Parallelizable(ParallelScope.All)]
internal sealed class AdapterKindTests
{
    private const float Tolerance = 2e-4f;
    private static readonly int[] Prompt = [.. Enumerable.Range(0, 45).Select(i => i * 31 % 130)];

    private readonly TestAdapter _adapter = new();
    private readonly Random _random = new(11);
    private ChangedModel _model = null!;

    [Test]
    public void Own_norms_of_layers_heads_and_the_end(
        [Values("Reference", "Cpu", "Cpu, 2 shards", "Gpu", "Gpu, 2 devices")] string backend)
    {
        Begin("core-qwen3", "q_proj");
        Lora("model.layers.1.self_attn.q_proj", "layers.1");
        Set("modules_to_save", new JsonArray("layernorm", "q_norm", "k_norm", "model.norm"));
        foreach (string norm in _model.Names.Where(name => name.Contains("norm", StringComparison.Ordinal)))
        {
            Replace(norm);
        }

        AssertEqual("core-qwen3", backend);
    }

    [TestCase("later-nemotron", "Reference")]
    [TestCase("later-nemotron", "Cpu")]
    [TestCase("later-nemotron", "Gpu")]
    [TestCase("later-cohere2", "Reference")]
    [TestCase("later-cohere2", "Cpu")]
    [TestCase("later-cohere2", "Gpu")]
    public void Own_layer_norms_with_biases_and_weights_that_are_stored_less_one_and_without(string fixture, string backend)
    {
        Begin(fixture, "q_proj");
        Lora("model.layers.1.self_attn.q_proj", "layers.1");
        Set("modules_to_save", new JsonArray("norm"));
        foreach (string norm in _model.Names.Where(name => name.Contains("norm", StringComparison.Ordinal)))
        {
            Replace(norm);
        }

        AssertEqual(fixture, backend);
    }

    [Test]
    public void Trained_biases_of_layer_norms([Values("Reference", "Cpu", "Cpu, 2 shards", "Gpu")] string backend)
    {
        Begin("later-nemotron", "q_proj");
        Lora("model.layers.0.self_attn.q_proj", "layers.0");
        Set("bias", "all");
        foreach (string bias in _model.Names.Where(name => name.EndsWith(".bias", StringComparison.Ordinal)))
        {
            Replace(bias);
        }

        AssertEqual("later-nemotron", backend);
    }

    [Test]
    public void Own_linear_modules_with_their_biases(
        [Values("Reference", "Cpu", "Cpu, 2 shards", "Gpu", "Gpu, 2 devices")] string backend)
    {
        Begin("core-qwen2", "o_proj");
        Lora("model.layers.0.self_attn.o_proj", "layers.0");
        Set("modules_to_save", new JsonArray("q_proj", "1.mlp"));
        foreach (string name in _model.Names.Where(name => name.Contains(".q_proj.", StringComparison.Ordinal)
            || name.StartsWith("model.layers.1.mlp.", StringComparison.Ordinal)))
        {
            Replace(name);
        }

        AssertEqual("core-qwen2", backend);
    }

    [Test]
    public void Own_linear_modules_of_which_shards_have_the_inputs(
        [Values("Reference", "Cpu, 2 shards", "Gpu", "Gpu, 2 devices")] string backend)
    {
        Begin("core-llama-bias", "q_proj");
        Lora("model.layers.0.self_attn.q_proj", "layers.0");
        Set("modules_to_save", new JsonArray("0.self_attn.o_proj", "1.mlp.down_proj"));
        foreach (string name in _model.Names.Where(name => name.Contains("0.self_attn.o_proj.", StringComparison.Ordinal)
            || name.Contains("1.mlp.down_proj.", StringComparison.Ordinal)))
        {
            Replace(name);
        }

        AssertEqual("core-llama-bias", backend);
    }

    [Test]
    public void Dora_of_embedding_head_and_modules_with_trained_biases(
        [Values("Reference", "Cpu", "Cpu, 2 shards", "Gpu", "Gpu, 2 devices")] string backend)
    {
        Begin("core-qwen2", "k_proj");
        Dora();
        _adapter.Config["bias"] = "lora_only";
        Replace("model.layers.1.self_attn.k_proj.bias");
        AssertEqual("core-qwen2", backend);
    }

    [Test]
    public void Dora_scales_the_base_and_not_what_adapters_behind_it_add(
        [Values("Reference", "Cpu", "Cpu, 2 shards", "Gpu")] string backend)
    {
        Begin("core-qwen2", "k_proj");
        Dora();

        AssertEqual("core-qwen2", backend, new AdapterUse("all-linear-r4", 0.5f), new AdapterUse("qv-r8", -0.75f));
    }

    [Test]
    public void A_tied_head_has_the_own_weights_of_the_embedding_if_the_tie_is_ensured(
        [Values("Reference", "Cpu", "Cpu, 2 shards", "Gpu")] string backend)
    {
        Begin("core-llama-tied-llama3", "v_proj");
        Lora("model.layers.2.self_attn.v_proj", "layers.2");
        Set("modules_to_save", new JsonArray("embed_tokens"));
        _adapter.Config["ensure_weight_tying"] = true;
        Replace("model.embed_tokens.weight");

        AssertEqual("core-llama-tied-llama3", backend);
    }

    [Test]
    public void Trained_tokens_of_embedding_and_head_in_any_order(
        [Values("Reference", "Cpu", "Cpu, 2 shards", "Gpu", "Gpu, 2 devices")] string backend)
    {
        Begin("core-llama-gqa", "v_proj");
        Lora("model.layers.0.self_attn.v_proj", "layers.0");
        _adapter.Config["trainable_token_indices"] =
            new JsonObject { ["embed_tokens"] = new JsonArray(31, 7, 260, 0), ["lm_head"] = new JsonArray(199, 2) };
        Rows("model.embed_tokens", 31, 7, 260, 0);
        Rows("lm_head", 199, 2);

        AssertEqual("core-llama-gqa", backend);
    }

    [Test]
    public void Activated_lora_is_served_over_several_shards()
    {
        using var one = new SteppedEngine(builder => builder.UseCpu(), adapters: ["later-alora"]);
        using var two = new SteppedEngine(builder => builder.UseCpu(cpu => cpu.Shards = 2), adapters: ["later-alora"]);
        var request = new GenerationRequest
        {
            Prompt = (int[])[.. Prompt, .. SteppedEngine.Invocation, 8, 9],
            Adapter = "later-alora",
            MaxTokens = 8,
            IgnoreEndOfText = true,
        };
        Answer expected = one.Ask(request), answer = two.Ask(request);
        one.Finish(expected);
        two.Finish(answer);
        Assert.That(answer.Tokens, Is.EqualTo(expected.Tokens));
    }

    private void Begin(string fixture, string target)
    {
        _model = new ChangedModel(fixture);
        _adapter.Config["target_modules"] = new JsonArray(target);
    }

    /// <summary>DoRA of embedding, head, a module with a bias and one without, with ranks of their own.</summary>
    private void Dora()
    {
        _adapter.Config["target_modules"] = new JsonArray("model.embed_tokens", "lm_head", "layers.1.self_attn.k_proj", "0.mlp.up_proj");
        _adapter.Config["use_dora"] = true;
        _adapter.Config["use_rslora"] = true;
        _adapter.Config["rank_pattern"] = new JsonObject { ["up_proj"] = 3 };
        string[] modules = ["model.embed_tokens", "lm_head", "model.layers.1.self_attn.k_proj", "model.layers.0.mlp.up_proj"];
        foreach (string module in modules)
        {
            int rank = module.EndsWith("up_proj", StringComparison.Ordinal) ? 3 : 4;
            float[] delta = Delta(module, rank, 8 / MathF.Sqrt(rank));
            float[] weight = _model.Values(module + ".weight");
            long[] shape = _model.ShapeOf(module + ".weight");
            (int rows, int columns) = ((int)shape[0], (int)shape[1]);
            bool isTable = module.EndsWith("embed_tokens", StringComparison.Ordinal);
            float[] magnitude = Random(isTable ? columns : rows, 1.5f, 1);
            _adapter.Tensors.Add(($"base_model.model.{module}.lora_magnitude_vector", "F32", [magnitude.Length], Bytes(magnitude)));
            var squares = new double[magnitude.Length];
            for (int at = 0; at < weight.Length; at++)
            {
                weight[at] += delta[at];
                squares[isTable ? at % columns : at / columns] += (double)weight[at] * weight[at];
            }

            for (int at = 0; at < weight.Length; at++)
            {
                int of = isTable ? at % columns : at / columns;
                weight[at] = (float)(weight[at] * magnitude[of] / Math.Sqrt(squares[of]));
            }
        }
    }

    private void Set(string option, JsonNode value) => _adapter.Config[option] = value;

    /// <summary>LoRA of rank 4 and alpha 8 on one module, and nothing on the others of its name.</summary>
    private void Lora(string module, string layer)
    {
        string name = module[(module.LastIndexOf('.') + 1)..];
        _adapter.Config["target_modules"] = $@".*\.{layer.Replace(".", @"\.", StringComparison.Ordinal)}\..*{name}";
        float[] delta = Delta(module, 4, 2);
        float[] weight = _model.Values(module + ".weight");
        for (int at = 0; at < weight.Length; at++)
        {
            weight[at] += delta[at];
        }
    }

    /// <summary>Adds A and B; what they add to the weight as the model stores it.</summary>
    private float[] Delta(string module, int rank, float scale)
    {
        long[] shape = _model.ShapeOf(module + ".weight");
        (int rows, int columns) = ((int)shape[0], (int)shape[1]);
        bool isTable = module.EndsWith("embed_tokens", StringComparison.Ordinal);
        (int inputs, int outputs) = isTable ? (rows, columns) : (columns, rows);
        float[] a = Random(rank * inputs, 0.2f), b = Random(outputs * rank, 0.2f);
        string prefix = "base_model.model." + module;
        _adapter.Tensors.Add((prefix + (isTable ? ".lora_embedding_A" : ".lora_A.weight"), "F32", [rank, inputs], Bytes(a)));
        _adapter.Tensors.Add((prefix + (isTable ? ".lora_embedding_B" : ".lora_B.weight"), "F32", [outputs, rank], Bytes(b)));
        var delta = new float[rows * columns];
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                (int input, int output) = isTable ? (row, column) : (column, row);
                double sum = 0;
                for (int r = 0; r < rank; r++)
                {
                    sum += (double)a[(r * inputs) + input] * b[(output * rank) + r];
                }

                delta[(row * columns) + column] = (float)(scale * sum);
            }
        }

        return delta;
    }

    /// <summary>Gives adapter and model new values for a tensor.</summary>
    private void Replace(string tensor)
    {
        float[] values = _model.Values(tensor);
        for (int at = 0; at < values.Length; at++)
        {
            values[at] = (values[at] * (0.8f + (0.4f * _random.NextSingle()))) + (0.02f * (_random.NextSingle() - 0.5f));
        }

        _adapter.Tensors.Add(("base_model.model." + tensor, "F32", _model.ShapeOf(tensor), Bytes(values)));
    }

    private void Rows(string module, params int[] ids)
    {
        int columns = (int)_model.ShapeOf(module + ".weight")[1];
        float[] rows = Random(ids.Length * columns, 0.5f);
        for (int at = 0; at < ids.Length; at++)
        {
            rows.AsSpan(at * columns, columns).CopyTo(_model.Values(module + ".weight").AsSpan(ids[at] * columns));
        }

        _adapter.Tensors.Add(
            ($"base_model.model.{module}.token_adapter.trainable_tokens_delta", "F32", [ids.Length, columns], Bytes(rows)));
    }

    /// <summary>The adapter on the model does what the changed model does, also with others behind it.</summary>
    private void AssertEqual(string fixture, string backend, params AdapterUse[] others)
    {
        using var changed = new TemporaryFolder();
        using var folder = new TemporaryFolder();
        _model.Write(changed);
        _adapter.Write(folder.Path);
        string adapters = Path.Combine(FixtureModel.Root, fixture, "adapters");
        LogitsValues expected, plain, actual, plainBeside = new(), actualBeside = new();
        using (SteppedEngine engine = Engine(changed.Path, backend, adapters, others))
        {
            expected = Ask(engine, others);
        }

        AdapterUse tenant = new(folder.Path, 1);
        using (SteppedEngine engine = Engine(Path.Combine(FixtureModel.Root, fixture, "model"), backend, adapters, [tenant, .. others]))
        {
            plain = Ask(engine, others);
            actual = Ask(engine, [tenant, .. others]);
            engine.Finish([engine.Ask(Request(others, plainBeside)), engine.Ask(Request([tenant, .. others], actualBeside))]);
        }

        Assert.Multiple(() =>
        {
            Assert.That(actual.LargestDifference(expected), Is.LessThan(Tolerance));
            Assert.That(plain.LargestDifference(expected), Is.GreaterThan(0.1f), "the adapter does something");
            Assert.That(plainBeside.LargestDifference(plain), Is.Zero, "beside it others are what they were");
            Assert.That(actualBeside.LargestDifference(actual), Is.Zero, "and it is what it is alone");
        });
    }

    private static LogitsValues Ask(SteppedEngine engine, AdapterUse[] adapters)
    {
        var logits = new LogitsValues();
        engine.Finish(engine.Ask(Request(adapters, logits)));
        return logits;
    }

    private static GenerationRequest Request(AdapterUse[] adapters, LogitsValues logits) =>
        new() { Prompt = Prompt, MaxTokens = 1, Adapters = adapters, Tap = logits, IgnoreEndOfText = true };

    /// <summary>An engine with adapters whose names are their folders.</summary>
    private static SteppedEngine Engine(string model, string backend, string folder, AdapterUse[] adapters)
    {
        if (backend.StartsWith("Gpu", StringComparison.Ordinal))
        {
            // Skips the test where there is no device.
            GpuTestDevice.Open().Dispose();
        }

        return new SteppedEngine(builder =>
        {
            builder.UseModel(model).ConfigurePool(pool => pool.Bytes = 16L << 20);
            foreach (AdapterUse adapter in adapters)
            {
                builder.AddAdapter(adapter.Name, Path.Combine(folder, adapter.Name));
            }

            _ = backend switch
            {
                "Gpu" => builder.UseGpu(),
                "Gpu, 2 devices" => builder.UseBackend((rows, outputs) => GpuShardsOfOne.Create(2, rows, outputs)),
                "Reference" => builder.UseReference(),
                "Cpu, 2 shards" => builder.UseCpu(cpu => cpu.Shards = 2),
                _ => builder.UseCpu(),
            };
        });
    }

    private float[] Random(int count, float size, float around = 0) =>
        [.. Enumerable.Range(0, count).Select(_ => around + ((_random.NextSingle() - 0.5f) * size))];

    private static byte[] Bytes(float[] values) => TestAdapter.Bytes(TensorType.F32, values);
}
