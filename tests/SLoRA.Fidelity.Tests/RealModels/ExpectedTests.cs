using NUnit.Framework;

namespace SLoRA.Fidelity.Tests.RealModels;

/// <summary>Short requests, some of several adapters: greedy tokens and the logits of some of them.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ExpectedTests
{
    public static IEnumerable<TestCaseData> Cases() =>
        RealModelCases.Of("expected*.json", file => file.Cases.Where(candidate => candidate.PromptIds.Length > 0)
            .Select(candidate => candidate.Name));

    [TestCaseSource(nameof(Cases))]
    public async Task Tokens_are_equal_and_logits_are_close(string path, string file, string name)
    {
        var folder = new RealModelFolder(path);
        ReferenceFile reference = folder.Read(file);
        ReferenceCase expected = reference.Case(name);
        RealModelEngine engine = await RealModelEngine.Of(folder, reference.BaseWeights);
        var steps = new RecordedSteps(folder.TensorsOf(file).Floats(name), expected.PromptIds.Length, reference.LogitSteps);
        int[] tokens = await engine.Generate(expected.PromptIds, expected.Adapters, expected.GreedyIds.Length, steps);
        TestContext.Out.WriteLine($"largest logit error {steps.LargestError:E2}");
        Assert.Multiple(() =>
        {
            Assert.That(tokens, Is.EqualTo(expected.GreedyIds), "tokens");
            Assert.That(steps.Missing, Is.Empty, "positions without logits");
            Assert.That(steps.LargestError, Is.LessThanOrEqualTo(LogitErrors.Tolerance), "logits");
        });
    }
}
