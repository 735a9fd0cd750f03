using NUnit.Framework;

namespace SLoRA.Fidelity.Tests;

/// <summary>A GGUF file of a fixture's model answers as Hugging Face does with the folder, alone and with PEFT's adapters.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class GgufFidelityTests
{
    private const float Tolerance = 2e-4f;

    /// <summary>Without <c>SLORA_FIXTURES</c> a case alone and one with an adapter, on the Cpu; with it all, on every backend.</summary>
    public static IEnumerable<TestCaseData> Cases()
    {
        bool all = Environment.GetEnvironmentVariable("SLORA_FIXTURES") is not null;
        return from folder in FixtureFolder.All()
               where GgufFixture.Serves(folder)
               from cases in folder.Cases.Where(fixture => !fixture.IsText && fixture.RefusedAdapter(folder) is null)
                   .GroupBy(fixture => fixture.Adapters.Count > 0)
               from fixture in all ? cases : cases.Take(1)
               from backend in all ? GpuAvailabilityTests.AndGpu("Reference", "Cpu") : ["Cpu"]
               select new TestCaseData(folder.Path, fixture.Name, backend).SetName($"Gguf({folder.Path}, {fixture.Name}, {backend})");
    }

    [TestCaseSource(nameof(Cases))]
    public async Task Logits_of_the_folder_come_out_of_the_file(string path, string name, string backend)
    {
        FixtureFolder folder = FixtureFolder.Read(path);
        FixtureCase fixture = folder.Cases.Single(candidate => candidate.Name == name);
        FixtureEngine engine = await FixtureEngine.Of(GgufFixture.Path(folder), backend);
        foreach (WeightedAdapter adapter in fixture.Adapters)
        {
            await engine.Register(adapter.Name, folder.Adapter(adapter.Name));
        }

        var logits = new ExpectedLogits(Path.Combine(path, "expected.safetensors"), fixture);
        var tokens = new List<int>();
        await foreach (GeneratedToken token in engine.Engine.GenerateAsync(new GenerationRequest
        {
            Prompt = fixture.Prompt,
            Adapters = [.. fixture.Adapters.Select(adapter => new AdapterUse(adapter.Name, adapter.Weight))],
            MaxTokens = fixture.Greedy.Length,
            IgnoreEndOfText = true,
            Tap = logits,
        }))
        {
            tokens.Add(token.Id);
        }

        Assert.Multiple(() =>
        {
            Assert.That(tokens, Is.EqualTo(fixture.Greedy));
            Assert.That(logits.Missing, Is.Empty);
            Assert.That(logits.LargestError, Is.LessThanOrEqualTo(Tolerance));
        });
    }
}
