using SLoRA.Core.Tests.Engine;

namespace SLoRA.Core.Tests.Backends.Shards;

/// <summary>What a model of the fixtures answers on some number of shards: tokens, and the bits of all logits.</summary>
internal static class ShardedEngine
{
    /// <summary>Answers requests side by side, the whole of them as one text that tells any difference.</summary>
    /// <param name="fixture">The model's folder of fixtures.</param>
    /// <param name="shards">Shards of one thread each.</param>
    /// <param name="requests">The requests, which name adapters of the fixture.</param>
    /// <param name="configure">What else is set.</param>
    /// <param name="adapters">The adapters; null for all.</param>
    public static async Task<string[]> Answers(
        string fixture,
        int shards,
        IReadOnlyList<GenerationRequest> requests,
        Action<LoraServingEngineBuilder>? configure = null,
        IEnumerable<string>? adapters = null)
    {
        LoraServingEngineBuilder builder = Builder(fixture, adapters).UseCpu(cpu => (cpu.Threads, cpu.Shards) = (shards, shards));
        configure?.Invoke(builder);
        await using LoraServingEngine engine = await builder.BuildAsync();
        return await Task.WhenAll(requests.Select(request => Answer(engine, request)));
    }

    /// <summary>An engine over a fixture with all of its adapters.</summary>
    /// <param name="fixture">The model's folder of fixtures.</param>
    /// <param name="adapters">The adapters; null for all.</param>
    public static LoraServingEngineBuilder Builder(string fixture, IEnumerable<string>? adapters = null)
    {
        LoraServingEngineBuilder builder = LoraServingEngine.CreateBuilder()
            .UseModel(RepositoryFolder.Fixture(fixture, "model"))
            .ConfigurePool(pool => (pool.Bytes, pool.CacheType, pool.AdapterWeights) =
                (16L << 20, CacheType.Float32, AdapterWeightType.AsStored))
            .CheckInvariants();
        foreach (string adapter in adapters ?? AdaptersOf(fixture))
        {
            builder.AddAdapter(adapter, RepositoryFolder.Fixture(fixture, "adapters", adapter));
        }

        return builder;
    }

    /// <summary>The adapters of a fixture.</summary>
    public static IEnumerable<string> AdaptersOf(string fixture) =>
        Directory.GetDirectories(RepositoryFolder.Fixture(fixture, "adapters")).Select(path => Path.GetFileName(path))
            .Order(StringComparer.Ordinal);

    /// <summary>Whether an adapter is of a kind that requests have alone.</summary>
    public static bool IsAlone(string fixture, string adapter) =>
        fixture.StartsWith("core-", StringComparison.Ordinal) && adapter.StartsWith("later-", StringComparison.Ordinal);

    /// <summary>The answer to one request, with the bits of its logits.</summary>
    public static async Task<string> Answer(LoraServingEngine engine, GenerationRequest request)
    {
        var logits = new LogitsRecord();
        var tokens = new List<int>();
        await foreach (GeneratedToken token in engine.GenerateAsync(request with { Tap = logits }))
        {
            tokens.Add(token.Id);
        }

        return $"{string.Join(' ', tokens)} | {string.Join(' ', logits.Rows.Select(row => $"{row.Key}:{row.Value:x16}"))}";
    }
}
