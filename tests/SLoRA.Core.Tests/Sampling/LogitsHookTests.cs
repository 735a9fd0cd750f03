using NUnit.Framework;
using SLoRA.Sampling;

namespace SLoRA.Core.Tests.Sampling;

[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class LogitsHookTests
{
    [TestCase(0f)]
    [TestCase(1.5f)]
    public void A_hook_masks_tokens_at_any_temperature(float temperature)
    {
        Hook hook = new((_, logits) =>
        {
            for (int i = 0; i < logits.Length; i++)
            {
                if (i != 2)
                {
                    logits[i] = float.NegativeInfinity;
                }
            }
        });
        Sampler sampler = new(new SamplingOptions { Temperature = temperature }, 0, 0, 1, hook: hook);
        Assert.That(sampler.Next([9, 8, -7, 6], [], new SamplingScratch(4)), Is.EqualTo(2));
    }

    [Test]
    public void A_hook_sees_penalties_and_bias_but_not_the_temperature()
    {
        float[] seen = [];
        SamplingOptions options = new()
        {
            Temperature = 0.1f,
            TopK = 1,
            RepetitionPenalty = 2,
            PresencePenalty = 0.5f,
            LogitBias = new Dictionary<int, float> { [0] = 10 },
        };
        Sampler sampler = new(options, 0, 1, 5, hook: new Hook((_, logits) => seen = logits.ToArray()));
        sampler.Next([1, 4, -1], [1, 2], new SamplingScratch(3));
        Assert.That(seen, Is.EqualTo(new[] { 11f, 2f, -2.5f }));
    }

    [Test]
    public void A_hook_is_told_prompt_output_and_continuation()
    {
        string told = "";
        Hook hook = new((context, _) =>
            told = $"{string.Join(',', context.Prompt.ToArray())}|{string.Join(',', context.Generated.ToArray())}|{context.Continuation}");
        new Sampler(SamplingOptions.Greedy, 0, 2, 5, continuation: 3, hook).Next([0, 1], [1, 0, 1], new SamplingScratch(2));
        Assert.That(told, Is.EqualTo("1,0|1|3"));
    }

    [Test]
    public void What_a_hook_throws_reaches_the_caller_and_a_hook_that_forbids_everything_is_an_error()
    {
        Sampler faulty = new(SamplingOptions.Greedy, 0, 0, 1, hook: new Hook((_, _) => throw new TimeoutException()));
        Assert.Throws<TimeoutException>(() => faulty.Next([0, 1], [], new SamplingScratch(2)));
        Hook forbidding = new((_, logits) => logits.Fill(float.NegativeInfinity));
        Sampler empty = new(new SamplingOptions { Temperature = 1 }, 0, 0, 1, hook: forbidding);
        Assert.Throws<InvalidLogitsException>(() => empty.Next([0, 1], [], new SamplingScratch(2)));
    }

    private delegate void Change(LogitsContext context, Span<float> logits);

    private sealed class Hook(Change change) : ILogitsHook
    {
        public void Apply(LogitsContext context, Span<float> logits) => change(context, logits);
    }
}
