using System.Collections.Concurrent;
using System.Globalization;
using NUnit.Framework;
using SLoRA.Requests;

namespace SLoRA.Fidelity.Tests.RealModels;

/// <summary>
/// One engine per model folder and way to keep its weights, keys and values, on the Cpu backend, shared by all its cases, which run
/// on it side by side. Unless a test says otherwise keys and values are fp32, and adapters are as stored, as in the expected values.
/// </summary>
internal sealed class RealModelEngine(LoraServingEngine engine, RealModelFolder folder)
{
    private static readonly ConcurrentDictionary<(string, CpuWeights, CpuPrecision, CacheType), Lazy<Task<RealModelEngine>>> Engines =
        new();

    private readonly ConcurrentDictionary<string, Lazy<Task<AdapterCoverage>>> _adapters = new();

    /// <summary>In place of a type of weights: the GGUF file.</summary>
    public const string Gguf = "GGUF";

    /// <summary>The engine of a folder's model; the test counts as skipped when the folder has none with such weights.</summary>
    public static Task<RealModelEngine> Of(
        RealModelFolder folder, string? weights, CpuWeights kept = CpuWeights.AsStored, CpuPrecision precision = CpuPrecision.Automatic,
        CacheType cache = CacheType.Float32)
    {
        string? model = weights == Gguf ? folder.Gguf : folder.Model(weights);
        if (model is null)
        {
            Assert.Ignore($"{folder.Path} has no model with {weights} weights");
        }

        return Engines.GetOrAdd(
            (model!, kept, precision, cache),
            key => new Lazy<Task<RealModelEngine>>(() => Build(folder, key.Item1, key.Item2, key.Item3, key.Item4))).Value;
    }

    public static async Task DisposeAll()
    {
        foreach (Lazy<Task<RealModelEngine>> engine in Engines.Values)
        {
            if (engine.Value.IsCompletedSuccessfully)
            {
                await (await engine.Value).Dispose();
            }
        }

        Engines.Clear();
    }

    /// <summary>Shards that share a model; <c>SLORA_SHARDS=2</c> makes them two.</summary>
    private static int Shards =>
        int.TryParse(Environment.GetEnvironmentVariable("SLORA_SHARDS"), NumberStyles.None, CultureInfo.InvariantCulture, out int shards)
            ? shards
            : 1;

    /// <summary>A builder with the options of every fidelity test on a real model.</summary>
    public static LoraServingEngineBuilder Builder(
        string model, CpuWeights kept = CpuWeights.AsStored, CpuPrecision precision = CpuPrecision.Automatic,
        CacheType cache = CacheType.Float32)
        => LoraServingEngine.CreateBuilder()
        .UseModel(model)
        .UseCpu(cpu => (cpu.Weights, cpu.Precision, cpu.Shards) = (kept, precision, Shards))
        .ConfigurePool(pool =>
        {
            pool.Bytes = 1L << 30;
            pool.CacheType = cache;
            pool.AdapterWeights = AdapterWeightType.AsStored;
        })
        .ConfigureScheduling(scheduling =>
        {
            // A tap on a whole prompt takes a place for logits per row, and there are as many places as sequences may run.
            scheduling.MaxRowsPerStep = 256;
            scheduling.MaxRunning = 256;
        });

    /// <summary>The greedy answer, going on past what ends a text.</summary>
    public async Task<int[]> Generate(
        ReadOnlyMemory<int> prompt, IReadOnlyList<WeightedAdapter> adapters, int tokens, LogitsTap? tap = null)
    {
        foreach (WeightedAdapter adapter in adapters)
        {
            await Register(adapter.Name);
        }

        GenerationRequest request = Request(prompt, adapters, tokens, tap);
        var answer = new List<int>();
        await foreach (GeneratedToken token in engine.GenerateAsync(request))
        {
            answer.Add(token.Id);
        }

        return [.. answer];
    }

    public static GenerationRequest Request(
        ReadOnlyMemory<int> prompt, IReadOnlyList<WeightedAdapter> adapters, int tokens, LogitsTap? tap = null) => new()
        {
            Prompt = prompt,
            Adapters = [.. adapters.Select(adapter => new AdapterUse(adapter.Name, adapter.Weight))],
            MaxTokens = tokens,
            IgnoreEndOfText = true,
            Tap = tap,
        };

    private static async Task<RealModelEngine> Build(
        RealModelFolder folder, string model, CpuWeights kept, CpuPrecision precision, CacheType cache) =>
        new(await Builder(model, kept, precision, cache).CheckInvariants().BuildAsync(), folder);

    private Task<AdapterCoverage> Register(string name) => _adapters.GetOrAdd(
        name, key => new Lazy<Task<AdapterCoverage>>(
            () => engine.Adapters.RegisterAsync(key, folder.Adapter(key), AdapterValidation.Content))).Value;

    private ValueTask Dispose() => engine.DisposeAsync();
}
