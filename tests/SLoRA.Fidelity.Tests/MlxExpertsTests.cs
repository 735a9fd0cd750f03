using NUnit.Framework;

namespace SLoRA.Fidelity.Tests;

/// <summary>Adapters of MLX on experts answer as Hugging Face does with the PEFT adapters that they were made of.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class MlxExpertsTests
{
    private const float Tolerance = 2e-4f;
    private const string Adapter = "later-experts";

    public static IEnumerable<TestCaseData> Cases() =>
        from folder in FixtureFolder.All()
        where Directory.Exists(folder.Adapter(Adapter))
        from fixture in folder.Cases
        where fixture.Adapters is [{ Name: Adapter }]
        select new TestCaseData(folder.Path, fixture.Name).SetName($"MlxExperts({folder.Path}, {fixture.Name})");

    [TestCaseSource(nameof(Cases))]
    public async Task Experts_of_MLX_are_those_of_PEFT(string path, string name)
    {
        FixtureFolder folder = FixtureFolder.Read(path);
        FixtureCase fixture = folder.Cases.Single(candidate => candidate.Name == name);
        string mlx = Directory.CreateTempSubdirectory("slora-mlx-").FullName;
        try
        {
            MlxExperts.Write(folder.Model, folder.Adapter(Adapter), mlx);
            FixtureEngine engine = await FixtureEngine.Of(folder.Model, "Cpu");
            await engine.Engine.Adapters.RegisterAsync(mlx, mlx, AdapterValidation.Content);
            var logits = new ExpectedLogits(Path.Combine(path, "expected.safetensors"), fixture);
            var tokens = new List<int>();
            await foreach (GeneratedToken token in engine.Engine.GenerateAsync(new GenerationRequest
            {
                Prompt = fixture.Prompt,
                Adapters = [new AdapterUse(mlx, fixture.Adapters[0].Weight)],
                MaxTokens = fixture.Greedy.Length,
                IgnoreEndOfText = true,
                Tap = logits,
            }))
            {
                tokens.Add(token.Id);
            }

            Assert.That(tokens, Is.EqualTo(fixture.Greedy));
            Assert.That(logits.LargestError, Is.LessThanOrEqualTo(Tolerance));
        }
        finally
        {
            Directory.Delete(mlx, recursive: true);
        }
    }
}
