using SLoRA.Fidelity.Tests;

namespace SLoRA.Gpu.Bench;

/// <summary>
/// Whole models on the device: every case with adapters or without, all cases of a fixture side by side in the same steps. Tokens are those
/// of Hugging Face, every logit is within <see cref="Tolerance"/> of its own.
/// </summary>
internal static class FixtureChecks
{
    private const float Tolerance = 2e-4f;

    /// <summary>Runs all fixtures of a folder, or the one that it is.</summary>
    public static async Task Run(string folder, GpuOptions options, Tally tally)
    {
        string[] paths = File.Exists(Path.Combine(folder, "expected.json"))
            ? [folder]
            : [.. Directory.GetDirectories(folder).Where(path => File.Exists(Path.Combine(path, "expected.json")))
                .Order(StringComparer.Ordinal)];
        if (paths.Length == 0)
        {
            tally.Add(false, folder, "holds no fixture (a folder with an expected.json)");
        }

        foreach (string path in paths)
        {
            FixtureFolder fixture = FixtureFolder.Read(path);
            if (!fixture.IsRefused)
            {
                await Run(fixture, options, tally).ConfigureAwait(false);
            }
        }
    }

    private static async Task Run(FixtureFolder fixture, GpuOptions options, Tally tally)
    {
        FixtureCase[] cases = [.. fixture.Cases.Where(candidate => !candidate.IsText && candidate.RefusedAdapter(fixture) is null)];
        await using LoraServingEngine engine = await Build(fixture, options).ConfigureAwait(false);
        foreach (string name in cases.SelectMany(candidate => candidate.Adapters).Select(adapter => adapter.Name).Distinct())
        {
            await engine.Adapters.RegisterAsync(name, fixture.Adapter(name), AdapterValidation.Content).ConfigureAwait(false);
        }

        await Task.WhenAll(cases.Select(candidate => Task.Run(() => Run(engine, fixture, candidate, tally)))).ConfigureAwait(false);
        Console.WriteLine($"{fixture.Name}: {cases.Length} cases");
    }

    private static async Task Run(LoraServingEngine engine, FixtureFolder fixture, FixtureCase candidate, Tally tally)
    {
        var logits = new ExpectedLogits(Path.Combine(fixture.Path, "expected.safetensors"), candidate);
        var tokens = new List<int>();
        var request = new GenerationRequest
        {
            Prompt = candidate.Prompt,
            Adapters = [.. candidate.Adapters.Select(adapter => new AdapterUse(adapter.Name, adapter.Weight))],
            MaxTokens = candidate.Greedy.Length,
            IgnoreEndOfText = true,
            Tap = logits,
        };
        string? error = null;
        try
        {
            await foreach (GeneratedToken token in engine.GenerateAsync(request).ConfigureAwait(false))
            {
                tokens.Add(token.Id);
            }
        }
        catch (SLoraException failure)
        {
            error = failure.Message;
        }

        bool equal = tokens.SequenceEqual(candidate.Greedy);
        lock (tally)
        {
            tally.Add(
                error is null && equal && logits.Missing.Count == 0 && logits.LargestError <= Tolerance,
                $"{fixture.Name}/{candidate.Name}",
                error ?? $"tokens {(equal ? "equal" : "DIFFER")}, largest error of a logit {logits.LargestError:0.0E+0}");
        }
    }

    private static Task<LoraServingEngine> Build(FixtureFolder fixture, GpuOptions options) => LoraServingEngine.CreateBuilder()
        .UseModel(fixture.Model)
        .ConfigurePool(pool =>
        {
            pool.Bytes = 64L << 20;
            pool.CacheType = CacheType.Float32;
            pool.AdapterWeights = AdapterWeightType.AsStored;
        })
        .UseGpu(gpu => (gpu.Driver, gpu.Device) = (options.Driver, options.Device))
        .BuildAsync();
}
