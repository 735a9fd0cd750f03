using NUnit.Framework;

namespace SLoRA.Fidelity.Tests;

/// <summary>
/// Every case of every fixture on every backend: greedy tokens equal, every logit of prompt and answer within <see cref="Tolerance"/>. What
/// <see cref="NotServed"/> lists must be refused by a typed error instead.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class FidelityTests
{
    private const float Tolerance = 2e-4f;

    private static readonly string[] Backends = GpuAvailabilityTests.AndGpu(
        "Reference", "Cpu", FixtureEngine.CpuShards(2), FixtureEngine.CpuShards(4));

    /// <summary>
    /// Fixtures that devices share in the default run; with <c>SLORA_FIXTURES</c> they share all. Each engine loads its kernels, which
    /// takes a second.
    /// </summary>
    private static readonly string[] SharedByDevices = ["core-llama-gqa", "core-qwen3"];

    public static IEnumerable<TestCaseData> LogitCases() =>
        from folder in FixtureFolder.All()
        from fixture in folder.Cases
        where !fixture.IsText
        from form in fixture.Forms(folder)
        from backend in BackendsOf(folder)
        select new TestCaseData(folder.Path, fixture.Name, form, backend)
            .SetName($"Fidelity({folder.Path}, {fixture.Name}{form}, {backend})");

    [TestCaseSource(nameof(LogitCases))]
    public async Task Tokens_are_equal_and_logits_are_close(string path, string name, string form, string backend)
    {
        FixtureFolder folder = FixtureFolder.Read(path);
        FixtureCase fixture = folder.Cases.Single(candidate => candidate.Name == name);
        fixture = fixture with { Adapters = [.. fixture.Adapters.Select(adapter => adapter with { Name = adapter.Name + form })] };
        if (folder.IsRefused)
        {
            ModelLoadException refusal = (await Assert.ThrowsAsync<ModelLoadException>(() => FixtureEngine.Of(folder.Model, backend)))!;
            Assert.That(refusal.Kind, Is.EqualTo(LoadErrorKind.Incompatible), refusal.Message);
            TestContext.Out.WriteLine($"refused: {refusal.Message}");
            return;
        }

        FixtureEngine engine;
        try
        {
            engine = await FixtureEngine.Of(folder.Model, backend);
        }
        catch (InvalidOptionException refusal) when (
            refusal.Option is "Cpu.Shards" or "Gpu.Devices" && !folder.Serves(FixtureEngine.ShardsOf(backend)))
        {
            // It has fewer heads than shards, or blocks of numbers that a cut would cross: said by name before anything is computed.
            TestContext.Out.WriteLine($"refused: {refusal.Message}");
            return;
        }

        if (fixture.RefusedAdapter(folder) is { } refused)
        {
            await RefusesAdapter(engine, folder, fixture, refused);
            return;
        }

        foreach (WeightedAdapter adapter in fixture.Adapters)
        {
            await engine.Register(adapter.Name, folder.Adapter(adapter.Name));
        }

        var logits = new ExpectedLogits(Path.Combine(path, "expected.safetensors"), fixture);
        int[] tokens = await Generate(engine.Engine, fixture, logits);
        TestContext.Out.WriteLine($"largest logit error {logits.LargestError:E2}");
        Assert.Multiple(() =>
        {
            Assert.That(tokens, Is.EqualTo(fixture.Greedy), "tokens");
            Assert.That(logits.Missing, Is.Empty, "positions without logits");
            Assert.That(logits.LargestError, Is.LessThanOrEqualTo(Tolerance), "logits");
        });
    }

    private static string[] BackendsOf(FixtureFolder folder) =>
        Backends.Contains("Gpu") && (Environment.GetEnvironmentVariable("SLORA_FIXTURES") is not null
            || SharedByDevices.Contains(Path.GetFileName(folder.Path)))
            ? [.. Backends, FixtureEngine.GpuShards(2)]
            : Backends;

    private static async Task RefusesAdapter(FixtureEngine engine, FixtureFolder folder, FixtureCase fixture, string adapter)
    {
        AdapterLoadException refusal = (await Assert.ThrowsAsync<AdapterLoadException>(
            () => engine.Engine.Adapters.RegisterAsync($"{adapter} of {fixture.Name}", folder.Adapter(adapter))))!;
        Assert.That(refusal.Kind, Is.EqualTo(LoadErrorKind.Incompatible), refusal.Message);
        TestContext.Out.WriteLine($"refused: {refusal.Message}");
    }

    private static async Task<int[]> Generate(LoraServingEngine engine, FixtureCase fixture, ExpectedLogits logits)
    {
        var request = new GenerationRequest
        {
            Prompt = fixture.Prompt,
            Adapters = [.. fixture.Adapters.Select(adapter => new AdapterUse(adapter.Name, adapter.Weight))],
            MaxTokens = fixture.Greedy.Length,
            IgnoreEndOfText = true,
            Tap = logits,
        };
        var tokens = new List<int>();
        await foreach (GeneratedToken token in engine.GenerateAsync(request))
        {
            tokens.Add(token.Id);
        }

        return [.. tokens];
    }
}
