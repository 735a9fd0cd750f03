using System.Text.Json.Nodes;
using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Core.Tests.Adapters;
using SLoRA.Core.Tests.Backends.Gpu;
using SLoRA.Formats;
using SLoRA.Formats.Blocks;
using SLoRA.Models;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Engine;

/// <summary>
/// DoRA over quantised bases, in each way in which backends keep them: magnitudes that are the norms of W + scale · B A, worked out here
/// from what the blocks stand for, change nothing that LoRA of the same factors does not; others do.
/// </summary>
[Parallelizable(ParallelScope.All)]
internal sealed class QuantisedNormsTests
{
    private const int Rank = 3;
    private const float Scale = 2;

    private static readonly string[] Backends =
        ["Reference", "Cpu, exact", "Cpu", "Cpu, 8 bits", "Cpu, 4 bits", "Cpu, 8 bits, 2 shards", "Gpu"];

    private static readonly string? More = Environment.GetEnvironmentVariable("SLORA_FIXTURES");

    /// <summary>Small models of the repository, and the fixtures of quantised ones that SLORA_FIXTURES names.</summary>
    private static IEnumerable<string> Models() =>
    [
        .. ((string[])["control-gptq", "control-awq", "control-fp8", "control-nf4", "control-negative-scales"])
            .Select(name => RepositoryFolder.Fixture("broken-quant", name)),
        RepositoryFolder.Fixture("broken-gguf", "control", "model.gguf"),
        .. (More ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries).SelectMany(Directory.GetDirectories)
            .Where(path => Path.GetFileName(path).StartsWith("later-quant-", StringComparison.Ordinal)
                || Path.GetFileName(path).StartsWith("later-gguf-", StringComparison.Ordinal))
            .Select(path => Directory.Exists(Path.Combine(path, "model")) ? Path.Combine(path, "model")
                : Directory.GetFiles(path, "*.gguf").Order(StringComparer.Ordinal).FirstOrDefault(path)),
    ];

    /// <summary>On the Gpu one of them by default: each engine compiles its kernels.</summary>
    private static IEnumerable<TestCaseData> Cases() =>
        from model in Models()
        from backend in Backends
        where backend != "Gpu" || More is not null || Path.GetFileName(model) == "control-gptq"
        select new TestCaseData(model, backend).SetArgDisplayNames(model, backend);

    [TestCaseSource(nameof(Cases))]
    public void Norms_are_those_of_what_blocks_stand_for(string model, string backend)
    {
        if (backend == "Gpu")
        {
            // Skips the test where there is no device.
            GpuTestDevice.Open().Dispose();
        }

        using TemporaryFolder plain = new(), dora = new(), other = new();
        Write(model, backend, plain, null);
        Write(model, backend, dora, 1);
        Write(model, backend, other, 1.02f);
        using var engine = new SteppedEngine(builder => Use(builder.UseModel(model), backend)
            .ConfigurePool(pool => (pool.Bytes, pool.CacheType, pool.AdapterWeights) =
                (16L << 20, CacheType.Float32, AdapterWeightType.AsStored))
            .AddAdapter("plain", plain.Path).AddAdapter("dora", dora.Path).AddAdapter("other", other.Path));

        LogitsValues expected = Ask(engine, "plain");
        float right = Ask(engine, "dora").LargestDifference(expected), wrong = Ask(engine, "other").LargestDifference(expected);
        TestContext.Out.WriteLine($"{right} with these norms, {wrong} with 2 % more");

        // Factors that are not quite one move roundings of activations.
        Assert.That(right, Is.LessThan(wrong / 10));
    }

    private static LoraServingEngineBuilder Use(LoraServingEngineBuilder builder, string backend) => backend switch
    {
        "Reference" => builder.UseReference(),
        "Gpu" => builder.UseGpu(),
        "Cpu, exact" => builder.UseCpu(cpu => cpu.Precision = CpuPrecision.Exact),
        _ => builder.UseCpu(cpu => (cpu.Weights, cpu.Shards) = (WeightsOf(backend), ShardsOf(backend))),
    };

    private static int ShardsOf(string backend) => backend.EndsWith("2 shards", StringComparison.Ordinal) ? 2 : 1;

    private static CpuWeights WeightsOf(string backend) => backend.Contains("8 bits", StringComparison.Ordinal) ? CpuWeights.Int8
        : backend.Contains("4 bits", StringComparison.Ordinal) ? CpuWeights.Int4 : CpuWeights.AsStored;

    /// <summary>LoRA on all linear modules and the head; with DoRA whose magnitudes are so many times the norms, or without.</summary>
    private static void Write(string path, string backend, TemporaryFolder folder, float? factor)
    {
        using BaseModel model = BaseModel.Open(path);
        using IBackend cpu = new CpuBackend(1, 0, 1, WeightsOf(backend));
        TargetModule[] targets =
        [
            .. model.Modules.Targets.Where(target => target is { Kind: TargetKind.Linear or TargetKind.Head, IsTarget: true, Views: null }),
        ];
        var adapter = new TestAdapter();
        adapter.Config["r"] = Rank;
        adapter.Config["lora_alpha"] = Scale * Rank;
        adapter.Config["target_modules"] = new JsonArray([.. targets.Select(target => JsonValue.Create(target.Name))]);
        adapter.Config["use_dora"] = factor is not null;
        var random = new Random(5);
        foreach (TargetModule target in targets)
        {
            int columns = target.InFeatures;
            float[] a = Values(Rank * columns), b = Values(target.OutFeatures * Rank);
            string prefix = "base_model.model." + target.Name;
            adapter.Tensors.Add((prefix + ".lora_A.weight", "F32", [Rank, columns], TestAdapter.Bytes(TensorType.F32, a)));
            adapter.Tensors.Add((prefix + ".lora_B.weight", "F32", [target.OutFeatures, Rank], TestAdapter.Bytes(TensorType.F32, b)));
            if (factor is not { } times)
            {
                continue;
            }

            float[] weight = Weight(model, target);
            WeightFormat taken = cpu.Takes(model.FormatOf(target.WeightName));
            Action<float[]> round = Rounding(cpu, taken, target, ShardsOf(backend));
            float[] magnitudes = [.. Enumerable.Range(0, target.OutFeatures).Select(row =>
            {
                float[] own = weight[(row * columns)..((row + 1) * columns)];
                round(own);
                return times * (float)Math.Sqrt(own.Select((value, column) => Math.Pow(value + (Scale * Enumerable.Range(0, Rank).Sum(
                    r => (double)b[(row * Rank) + r] * a[(r * columns) + column])), 2)).Sum());
            })];
            adapter.Tensors.Add((prefix + ".lora_magnitude_vector", "F32", [magnitudes.Length],
                TestAdapter.Bytes(TensorType.F32, magnitudes)));
        }

        adapter.Write(folder.Path);

        float[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() - 0.5f) * 0.1f)];
    }

    /// <summary>What the Cpu backend makes of a row; of several shards each of its part, of which none has blocks.</summary>
    private static Action<float[]> Rounding(IBackend cpu, WeightFormat taken, TargetModule target, int shards)
    {
        RowRounding? rounding = cpu.RoundingOf(
            shards > 1 && taken is BlockFormat ? WeightFormat.F32 : taken, target.Kind == TargetKind.Head, null);
        int parts = target.Partition is { Axis: PartitionAxis.Columns } ? shards : 1;
        return row =>
        {
            for (int part = 0; part < parts; part++)
            {
                rounding?.Invoke(row.AsSpan(part * row.Length / parts, row.Length / parts));
            }
        };
    }

    private static unsafe float[] Weight(BaseModel model, TargetModule target)
    {
        WeightSource source = model.Weight(target.WeightName, _ => WeightFormat.F32);
        return new ReadOnlySpan<float>((void*)source.Data, source.Rows * source.Columns).ToArray();
    }

    private static LogitsValues Ask(SteppedEngine engine, string adapter)
    {
        var logits = new LogitsValues();
        engine.Finish(engine.Ask(new GenerationRequest
        {
            Prompt = Enumerable.Range(0, 20).Select(i => 3 + (i * 7 % 9)).ToArray(),
            MaxTokens = 1,
            Adapter = adapter,
            Tap = logits,
            IgnoreEndOfText = true,
        }));
        return logits;
    }
}
