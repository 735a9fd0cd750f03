using NUnit.Framework;

namespace SLoRA.Fidelity.Tests.RealModels;

/// <summary>How likely the base and each adapter find a text, for every type of weights.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class PerplexityTests
{
    private const double Tolerance = 1e-4;
    private const int First = 256;

    public static IEnumerable<TestCaseData> Cases() => RealModelCases.Of(
        "perplexity*.json",
        file => file.Weights.SelectMany(weights => weights.Value.Keys.Select(adapter => $"{weights.Key} {adapter}")),
        (file, _) => file.Window > 0);

    [TestCaseSource(nameof(Cases))]
    public async Task Mean_negative_log_likelihoods_are_equal(string path, string file, string name)
    {
        var folder = new RealModelFolder(path);
        ReferenceFile reference = folder.Read(file);
        string[] parts = name.Split(' ');
        ReferencePerplexity expected = reference.Weights[parts[0]][parts[1]];
        IReadOnlyList<WeightedAdapter> adapters = parts[1] == "base" ? [] : [new WeightedAdapter(parts[1], 1)];
        RealModelEngine engine = await RealModelEngine.Of(folder, parts[0]);
        int window = reference.Window > 0 ? reference.Window : reference.Ids.Length;
        TextLikelihood[] windows = await Task.WhenAll(reference.Ids.Chunk(window).Select(async ids =>
        {
            var likelihood = new TextLikelihood(ids);
            await engine.Generate(ids, adapters, 1, likelihood);
            return likelihood;
        }));
        double mean = windows.Average(likelihood => likelihood.Mean());
        TestContext.Out.WriteLine($"mean {mean:F6}, error {Math.Abs(mean - expected.MeanNll):E2}");
        Assert.Multiple(() =>
        {
            Assert.That(mean, Is.EqualTo(expected.MeanNll).Within(Tolerance), "mean_nll");
            Assert.That(windows[0].Mean(First), Is.EqualTo(expected.MeanNllFirst256 ?? windows[0].Mean(First))
                .Within(Tolerance), "mean_nll_first_256");
            for (int i = 0; i < expected.WindowNll.Length; i++)
            {
                Assert.That(windows[i].Mean(), Is.EqualTo(expected.WindowNll[i]).Within(Tolerance), $"window_nll[{i}]");
            }
        });
    }
}
