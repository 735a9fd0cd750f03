using NUnit.Framework;

namespace SLoRA.Fidelity.Tests.RealModels;

/// <summary>
/// What quantized base weights, keys and values cost: the perplexity of a text under the base and under each adapter, beside that of the
/// numbers they were made of, and for a file of few bits beside that of its exact values.
/// </summary>
/// <remarks>The base on every text, one adapter on the short one; all adapters on all texts if <c>SLORA_PERPLEXITY</c> is 1.</remarks>
[Parallelizable(ParallelScope.All)]
public sealed class QuantizedPerplexityTests
{
    private const string Short = "perplexity.json";
    private const string Base = "base";
    private const int ShortTokens = 4000;

    private static readonly bool All = Environment.GetEnvironmentVariable("SLORA_PERPLEXITY") == "1";

    public static IEnumerable<TestCaseData> Int8() => Cases("Cpu int8", "bf16");

    public static IEnumerable<TestCaseData> Int4() => Cases("Cpu int4", "bf16");

    public static IEnumerable<TestCaseData> Int8Fast() => Cases("Cpu int8 fast", "bf16", Short);

    public static IEnumerable<TestCaseData> Int4Fast() => Cases("Cpu int4 fast", "bf16", Short);

    public static IEnumerable<TestCaseData> Int8Cache() => Cases("Cpu int8 cache", "bf16", Short);

    public static IEnumerable<TestCaseData> Stored() => Cases("Cpu GGUF", "f32");

    [TestCaseSource(nameof(Int8))]
    public Task Int8_perplexity_is_within_one_per_cent_of_bf16(string path, string file, string adapter) =>
        Check(path, file, adapter, "bf16", "bf16", CpuWeights.Int8, 0.01);

    [TestCaseSource(nameof(Int4))]
    public Task Int4_perplexity_is_within_fifteen_per_cent_of_bf16(string path, string file, string adapter) =>
        Check(path, file, adapter, "bf16", "bf16", CpuWeights.Int4, 0.15);

    [TestCaseSource(nameof(Stored))]
    public Task Perplexity_of_weights_as_stored_is_within_three_per_mille_of_their_exact_values(string path, string file, string adapter) =>
        Check(path, file, adapter, RealModelEngine.Gguf, "f32", CpuWeights.AsStored, 0.003);

    [TestCaseSource(nameof(Int8Fast))]
    public Task Int8_perplexity_with_activations_of_8_bits_is_within_one_and_a_half_per_cent_of_bf16(
        string path, string file, string adapter) =>
        Check(path, file, adapter, "bf16", "bf16", CpuWeights.Int8, 0.015, CpuPrecision.Fast);

    [TestCaseSource(nameof(Int4Fast))]
    public Task Int4_perplexity_with_activations_of_8_bits_is_within_sixteen_per_cent_of_bf16(
        string path, string file, string adapter) =>
        Check(path, file, adapter, "bf16", "bf16", CpuWeights.Int4, 0.16, CpuPrecision.Fast);

    [TestCaseSource(nameof(Int8Cache))]
    public async Task Perplexity_with_keys_and_values_of_8_bits_is_within_half_a_per_cent_of_that_with_16_bits(
        string path, string file, string adapter)
    {
        double expected = await Mean(path, file, adapter, "bf16", CpuWeights.AsStored, CpuPrecision.Automatic, CacheType.BFloat16);
        double actual = await Mean(path, file, adapter, "bf16", CpuWeights.AsStored, CpuPrecision.Automatic, CacheType.Int8);
        AssertRatio(actual, expected, "16 bits", 0.005);
    }

    private static IEnumerable<TestCaseData> Cases(string kept, string reference, string files = "perplexity*.json") => RealModelCases.Of(
        files,
        file => file.Weights.TryGetValue(reference, out Dictionary<string, ReferencePerplexity>? adapters)
            ? Chosen([.. adapters.Keys], file.Ids.Length)
            : [],
        (file, _) => file.Window > 0,
        kept);

    private static IEnumerable<string> Chosen(string[] names, int tokens) => names.Where(
        name => All || name == Base || (tokens < ShortTokens && name == Array.Find(names, static other => other != Base)));

    private static async Task Check(
        string path, string file, string adapter, string weights, string beside, CpuWeights kept, double tolerance,
        CpuPrecision precision = CpuPrecision.Automatic)
    {
        ReferencePerplexity expected = new RealModelFolder(path).Read(file).Weights[beside][adapter];
        AssertRatio(await Mean(path, file, adapter, weights, kept, precision, CacheType.Float32), expected.MeanNll, beside, tolerance);
    }

    /// <summary>The mean negative log-likelihood of a token.</summary>
    private static async Task<double> Mean(
        string path, string file, string adapter, string weights, CpuWeights kept, CpuPrecision precision, CacheType cache)
    {
        var folder = new RealModelFolder(path);
        ReferenceFile reference = folder.Read(file);
        IReadOnlyList<WeightedAdapter> adapters = adapter == Base ? [] : [new WeightedAdapter(adapter, 1)];
        RealModelEngine engine = await RealModelEngine.Of(folder, weights, kept, precision, cache);
        int window = reference.Window > 0 ? reference.Window : reference.Ids.Length;
        TextLikelihood[] windows = await Task.WhenAll(reference.Ids.Chunk(window).Select(async ids =>
        {
            var likelihood = new TextLikelihood(ids);
            await engine.Generate(ids, adapters, 1, likelihood);
            return likelihood;
        }));
        return windows.Average(likelihood => likelihood.Mean());
    }

    private static void AssertRatio(double mean, double expected, string beside, double tolerance)
    {
        double ratio = Math.Exp(mean - expected);
        TestContext.Out.WriteLine($"mean {mean:F6}, {beside} {expected:F6}, perplexity {Math.Exp(mean):F4}, ratio {ratio:F5}");
        Assert.That(ratio, Is.EqualTo(1).Within(tolerance));
    }
}
