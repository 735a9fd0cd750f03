using NUnit.Framework;

namespace SLoRA.Fidelity.Tests.RealModels;

/// <summary>Prompts of some hundred to some thousand tokens: the answer, and logits all along the way.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class LongContextTests
{
    private const int LongPrompt = 3000;

    public static IEnumerable<TestCaseData> Cases() => RealModelCases.Of(
        "long-*.json",
        file => file.Cases.Select(candidate => candidate.Name),
        (file, name) => file.Case(name).PromptIds.Length > LongPrompt);

    [TestCaseSource(nameof(Cases))]
    public async Task Tokens_are_equal_and_logits_are_close_at_every_recorded_place(string path, string file, string name)
    {
        var folder = new RealModelFolder(path);
        ReferenceFile reference = folder.Read(file);
        ReferenceCase expected = reference.Case(name);
        RealModelEngine engine = await RealModelEngine.Of(folder, reference.BaseWeights);
        var logits = new RecordedPositions(folder.TensorsOf(file), expected);
        int[] tokens = await engine.Generate(expected.PromptIds, expected.Adapters, expected.GreedyIds.Length, logits);
        TestContext.Out.WriteLine($"largest logit error {logits.LargestError:E2}, logsumexp {logits.LargestLogSumExpError:E2}");
        Assert.Multiple(() =>
        {
            Assert.That(tokens, Is.EqualTo(expected.GreedyIds), "tokens");
            Assert.That(logits.Missing, Is.Empty, "positions without logits");
            Assert.That(logits.LargestError, Is.LessThanOrEqualTo(LogitErrors.Tolerance), "logits");
            Assert.That(logits.LargestLogSumExpError, Is.LessThanOrEqualTo(LogitErrors.Tolerance), "logsumexp");
        });
    }
}
