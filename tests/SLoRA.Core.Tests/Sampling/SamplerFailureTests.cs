using NUnit.Framework;
using SLoRA.Sampling;

namespace SLoRA.Core.Tests.Sampling;

[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class SamplerFailureTests
{
    [TestCase(0f, float.NaN)]
    [TestCase(1f, float.NaN)]
    [TestCase(0f, float.PositiveInfinity)]
    [TestCase(1f, float.PositiveInfinity)]
    public void A_logit_that_is_no_number_is_an_error_that_names_the_token(float temperature, float bad)
    {
        foreach (int token in new[] { 0, 17, 39 })
        {
            float[] logits = new float[40];
            logits[token] = bad;
            Sampler sampler = new(new SamplingOptions { Temperature = temperature }, 0, 0, 1);
            InvalidLogitsException error = Assert.Throws<InvalidLogitsException>(() => sampler.Next(logits, [], new SamplingScratch(40)))!;
            Assert.That(error.Message, Does.Contain($"token {token} "));
            Assert.That(error.Code, Is.EqualTo("sampling.invalid-logits"));
        }
    }

    [TestCase(0f)]
    [TestCase(1f)]
    public void Nothing_left_to_choose_is_an_error(float temperature)
    {
        float[] logits = [float.NegativeInfinity, float.NegativeInfinity];
        Sampler sampler = new(new SamplingOptions { Temperature = temperature }, 0, 0, 1);
        Assert.Throws<InvalidLogitsException>(() => sampler.Next(logits, [], new SamplingScratch(2)));
    }

    [Test]
    public void A_sampler_works_again_after_a_failure()
    {
        Sampler sampler = new(new SamplingOptions { Temperature = 1, TopK = 1, PresencePenalty = 0.1f }, 0, 1, 5);
        SamplingScratch scratch = new(2);
        Assert.Throws<InvalidLogitsException>(() => sampler.Next([0, float.NaN], [0], scratch));
        Assert.That(sampler.Next([0, 1], [0], scratch), Is.EqualTo(1));
    }
}
