using System.Text.Json.Nodes;
using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Core.Tests.Adapters;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Engine;

/// <summary>
/// DoRA whose magnitudes are the norms of the weights that products take changes nothing that LoRA of the same factors does not; on a base
/// whose weights are far from those that are stored.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class ServedNormsTests
{
    private const string Fixture = "core-llama-gqa";
    private const int Rank = 4;
    private static readonly string[] Modules = ["model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.o_proj", "lm_head"];

    [Test]
    public void Norms_are_those_of_the_weights_that_are_multiplied([Values(CpuWeights.Int8, CpuWeights.Int4)] CpuWeights weights,
        [Values(1, 2)] int shards)
    {
        ChangedModel model = WithLargeWeights();
        using TemporaryFolder folder = new(), plain = new(), served = new(), stored = new();
        model.Write(folder);
        Write(plain, model, null);
        Write(served, model, module => Norms(model, module, weights, shards));
        Write(stored, model, module => Norms(model, module, CpuWeights.AsStored, 1));
        using var engine = new SteppedEngine(builder => builder.UseModel(folder.Path)
            .UseCpu(cpu => (cpu.Weights, cpu.Shards) = (weights, shards)).ConfigurePool(pool => pool.Bytes = 16L << 20)
            .AddAdapter("plain", plain.Path).AddAdapter("served", served.Path).AddAdapter("stored", stored.Path));

        LogitsValues expected = Ask(engine, "plain");

        // Factors that are not quite one move roundings of activations.
        float right = Ask(engine, "served").LargestDifference(expected), wrong = Ask(engine, "stored").LargestDifference(expected);
        TestContext.Out.WriteLine($"{right} with the norms of what is served, {wrong} with those of what is stored");
        Assert.That(right, Is.LessThan(wrong / 10));
    }

    /// <summary>A weight in each of some groups is so large that the others of its group are hardly more than zero.</summary>
    private static ChangedModel WithLargeWeights()
    {
        var model = new ChangedModel(Fixture);
        foreach (string module in Modules)
        {
            float[] values = model.Values(module + ".weight");
            for (int at = 5; at < values.Length; at += 29)
            {
                values[at] *= 12;
            }
        }

        return model;
    }

    private static float[] Norms(ChangedModel model, string module, CpuWeights weights, int shards)
    {
        using var backend = new CpuBackend(1, 0, 1, weights);
        float[] values = [.. model.Values(module + ".weight")];
        int columns = (int)model.ShapeOf(module + ".weight")[1];
        RowRounding? rounding = backend.RoundingOf(WeightFormat.F32, module == "lm_head", null);

        // A shard of several has its part of the inputs of what leads back into the residual.
        int part = module.EndsWith("o_proj", StringComparison.Ordinal) ? columns / shards : columns;
        for (int at = 0; at < values.Length; at += part)
        {
            rounding?.Invoke(values.AsSpan(at, part));
        }

        float[] delta = Delta(model, module);
        return [.. Enumerable.Range(0, values.Length / columns).Select(row => (float)Math.Sqrt(
            Enumerable.Range(row * columns, columns).Sum(at => Math.Pow((double)values[at] + delta[at], 2))))];
    }

    private static (float[] A, float[] B) Factors(ChangedModel model, string module)
    {
        long[] shape = model.ShapeOf(module + ".weight");
        var random = new Random(module.Length);
        return (Values((int)shape[1] * Rank), Values((int)shape[0] * Rank));

        float[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() - 0.5f) * 0.2f)];
    }

    private static float[] Delta(ChangedModel model, string module)
    {
        (float[] a, float[] b) = Factors(model, module);
        int columns = (int)model.ShapeOf(module + ".weight")[1];
        return [.. Enumerable.Range(0, b.Length / Rank * columns).Select(at => 2 * Enumerable.Range(0, Rank).Sum(
            r => b[(at / columns * Rank) + r] * a[(r * columns) + (at % columns)]))];
    }

    private static void Write(TemporaryFolder folder, ChangedModel model, Func<string, float[]>? magnitudes)
    {
        var adapter = new TestAdapter();
        adapter.Config["target_modules"] = new JsonArray([.. Modules.Select(module => JsonValue.Create(module))]);
        adapter.Config["use_dora"] = magnitudes is not null;
        foreach (string module in Modules)
        {
            (float[] a, float[] b) = Factors(model, module);
            string prefix = "base_model.model." + module;
            adapter.Tensors.Add((prefix + ".lora_A.weight", "F32", [Rank, a.Length / Rank], TestAdapter.Bytes(TensorType.F32, a)));
            adapter.Tensors.Add((prefix + ".lora_B.weight", "F32", [b.Length / Rank, Rank], TestAdapter.Bytes(TensorType.F32, b)));
            if (magnitudes?.Invoke(module) is { } m)
            {
                adapter.Tensors.Add((prefix + ".lora_magnitude_vector", "F32", [m.Length], TestAdapter.Bytes(TensorType.F32, m)));
            }
        }

        adapter.Write(folder.Path);
    }

    private static LogitsValues Ask(SteppedEngine engine, string adapter)
    {
        var logits = new LogitsValues();
        engine.Finish(engine.Ask(new GenerationRequest
        {
            Prompt = Enumerable.Range(0, 40).Select(i => i * 31 % 130).ToArray(),
            MaxTokens = 1,
            Adapter = adapter,
            Tap = logits,
            IgnoreEndOfText = true,
        }));
        return logits;
    }
}
