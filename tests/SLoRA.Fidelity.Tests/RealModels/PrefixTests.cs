using NUnit.Framework;

namespace SLoRA.Fidelity.Tests.RealModels;

/// <summary>
/// Conversations that begin alike, under several adapters, side by side on one engine: what one adapter has computed for the common
/// beginning must not serve another.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class PrefixTests
{
    public static IEnumerable<TestCaseData> Cases() =>
        RealModelCases.Of("prefix-*.json", file => file.Cases.Select(candidate => candidate.Name));

    [TestCaseSource(nameof(Cases))]
    public async Task Tokens_are_equal(string path, string file, string name)
    {
        var folder = new RealModelFolder(path);
        ReferenceFile reference = folder.Read(file);
        ReferenceCase expected = reference.Case(name);
        RealModelEngine engine = await RealModelEngine.Of(folder, reference.BaseWeights);
        int[] prompt = [.. reference.PrefixIds, .. expected.BranchIds];
        int[] tokens = await engine.Generate(prompt, expected.Adapters, expected.GreedyIds.Length);
        Assert.That(tokens, Is.EqualTo(expected.GreedyIds));
    }
}
