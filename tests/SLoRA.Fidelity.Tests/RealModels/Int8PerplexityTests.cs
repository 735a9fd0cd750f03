using NUnit.Framework;

namespace SLoRA.Fidelity.Tests.RealModels;

/// <summary>
/// What int8 base weights cost: the perplexity of a text under the base and under each adapter, beside that of bf16 weights.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class Int8PerplexityTests
{
    /// <summary>How far the perplexity may be from that of bf16.</summary>
    private const double Tolerance = 0.01;

    public static IEnumerable<TestCaseData> Cases() => RealModelCases.Of(
        "perplexity*.json",
        file => file.Weights.TryGetValue("bf16", out var adapters) ? adapters.Keys : [],
        (file, _) => file.Window > 0,
        "Cpu int8");

    [TestCaseSource(nameof(Cases))]
    public async Task Perplexity_is_within_one_per_cent_of_bf16(string path, string file, string adapter)
    {
        var folder = new RealModelFolder(path);
        ReferenceFile reference = folder.Read(file);
        ReferencePerplexity expected = reference.Weights["bf16"][adapter];
        IReadOnlyList<WeightedAdapter> adapters = adapter == "base" ? [] : [new WeightedAdapter(adapter, 1)];
        RealModelEngine engine = await RealModelEngine.Of(folder, "bf16", CpuWeights.Int8);
        int window = reference.Window > 0 ? reference.Window : reference.Ids.Length;
        TextLikelihood[] windows = await Task.WhenAll(reference.Ids.Chunk(window).Select(async ids =>
        {
            var likelihood = new TextLikelihood(ids);
            await engine.Generate(ids, adapters, 1, likelihood);
            return likelihood;
        }));
        double mean = windows.Average(likelihood => likelihood.Mean());
        double ratio = Math.Exp(mean - expected.MeanNll);
        TestContext.Out.WriteLine($"mean {mean:F6}, bf16 {expected.MeanNll:F6}, perplexity {Math.Exp(mean):F4}, ratio {ratio:F5}");
        Assert.That(ratio, Is.EqualTo(1).Within(Tolerance));
    }
}
