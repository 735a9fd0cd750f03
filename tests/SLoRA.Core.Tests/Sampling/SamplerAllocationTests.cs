using NUnit.Framework;
using SLoRA.Sampling;

namespace SLoRA.Core.Tests.Sampling;

[TestFixture]
internal sealed class SamplerAllocationTests
{
    private static IEnumerable<TestCaseData> Settings()
    {
        yield return new TestCaseData(SamplingOptions.Greedy).SetArgDisplayNames("greedy");
        yield return new TestCaseData(new SamplingOptions { RepetitionPenalty = 1.2f, LogitBias = Bias })
            .SetArgDisplayNames("greedy with penalties");
        yield return new TestCaseData(new SamplingOptions { Temperature = 1 }).SetArgDisplayNames("plain");
        yield return new TestCaseData(new SamplingOptions { Temperature = 1, TopP = 0.95f }).SetArgDisplayNames("top-p");
        yield return new TestCaseData(new SamplingOptions
        {
            Temperature = 0.8f,
            TopK = 500,
            TopP = 0.95f,
            MinP = 0.01f,
            RepetitionPenalty = 1.1f,
            PresencePenalty = 0.2f,
            FrequencyPenalty = 0.1f,
            LogitBias = Bias,
        }).SetArgDisplayNames("everything");
    }

    private static Dictionary<int, float> Bias => new() { [5] = 1, [7] = -2 };

    [TestCaseSource(nameof(Settings))]
    public void A_token_allocates_nothing(SamplingOptions options)
    {
        const int Vocabulary = 4000, Prompt = 10, Generated = 300;
        float[] logits = RandomLogits.Row(new Random(8), Vocabulary);
        int[] tokens = new int[Prompt + Generated];
        SamplingScratch scratch = new(Vocabulary);
        Sampler sampler = new(options, 1, Prompt, Generated, hook: new NoOpHook());
        var top = new TokenLogProbability[20];
        StopRules rules = new([3], [2], false, Generated);

        long before = 0;
        int stops = 0;
        for (int length = Prompt; length < tokens.Length; length++)
        {
            if (length == Prompt + 10)
            {
                before = GC.GetAllocatedBytesForCurrentThread();
            }

            int token = sampler.Next(logits, tokens.AsSpan(0, length), scratch);
            sampler.LogProbability(LogProbabilitySource.Model, logits, scratch, token, top, out _);
            sampler.LogProbability(LogProbabilitySource.Processed, logits, scratch, token, top, out _);
            stops += rules.After(token, length) is null ? 0 : 1;
            tokens[length] = (token + length) % Vocabulary;
        }

        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero, $"{stops} stops");
    }

    private sealed class NoOpHook : ILogitsHook
    {
        public void Apply(LogitsContext context, Span<float> logits) => logits[0] = float.NegativeInfinity;
    }
}
