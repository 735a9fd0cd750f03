using NUnit.Framework;
using SLoRA.Sampling;

namespace SLoRA.Core.Tests.Sampling;

[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class StopRulesTests
{
    [TestCase(5, ExpectedResult = FinishReason.StopToken)]
    [TestCase(9, ExpectedResult = FinishReason.StopToken)]
    [TestCase(2, ExpectedResult = FinishReason.StopToken)]
    [TestCase(3, ExpectedResult = null)]
    public FinishReason? The_requests_stop_tokens_and_the_models_end_a_sequence(int token) => Rules(ignore: false).After(token, 1);

    [TestCase(5, ExpectedResult = FinishReason.StopToken)]
    [TestCase(9, ExpectedResult = FinishReason.StopToken)]
    [TestCase(2, ExpectedResult = null)]
    public FinishReason? Ignoring_the_models_keeps_the_requests(int token) => Rules(ignore: true).After(token, 1);

    [TestCase(3, 3, ExpectedResult = null)]
    [TestCase(3, 4, ExpectedResult = FinishReason.Length)]
    [TestCase(3, 5, ExpectedResult = FinishReason.Length)]
    [TestCase(9, 4, ExpectedResult = FinishReason.StopToken)]
    public FinishReason? The_limit_counts_generated_tokens_and_a_stop_token_goes_first(int token, int generated) =>
        Rules(ignore: false).After(token, generated);

    [Test]
    public void A_limit_below_one_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = new StopRules([], [], false, 0));
    }

    private static StopRules Rules(bool ignore) => new([9, 5, 9], [2, 5], ignore, 4);
}
