using NUnit.Framework;

namespace SLoRA.Core.Tests.Scheduling;

[Parallelizable(ParallelScope.All)]
public sealed class SchedulingOptionsTests
{
    private static readonly (string Option, Action<SchedulingOptions> Set)[] Impossible =
    [
        ("Scheduling.MaxPromptRowsPerStep", options => options.MaxPromptRowsPerStep = 0),
        ("Scheduling.OverCommitLookahead", options => options.OverCommitLookahead = -1),
        ("Scheduling.ConsumerTimeout", options => options.ConsumerTimeout = TimeSpan.Zero),
        ("Scheduling.ConsumerTimeout", options => options.ConsumerTimeout = TimeSpan.FromDays(50)),
        ("Scheduling.SwapBytes", options => options.SwapBytes = -1),
        ("Scheduling.Preemption", options => options.Preemption = (PreemptionMode)7),
    ];

    [Test]
    public void Defaults_pass() => Assert.That(() => OptionRules.Check(new SchedulingOptions()), Throws.Nothing);

    [Test]
    public void A_consumer_may_be_behind_for_ever() =>
        Assert.That(() => OptionRules.Check(new SchedulingOptions { ConsumerTimeout = Timeout.InfiniteTimeSpan }), Throws.Nothing);

    [Test]
    public void Impossible_values_are_refused_by_name()
    {
        foreach ((string option, Action<SchedulingOptions> set) in Impossible)
        {
            var options = new SchedulingOptions();
            set(options);
            Assert.That(() => OptionRules.Check(options), Throws.TypeOf<InvalidOptionException>().With.Message.Contains(option));
        }
    }

    [TestCase(1, null, 1)]
    [TestCase(256, null, 128)]
    [TestCase(256, 40, 40)]
    public void One_prompt_takes_half_of_a_step_unless_it_is_said_otherwise(int rows, int? limit, int expected) =>
        Assert.That(new SchedulingOptions { MaxRowsPerStep = rows, MaxPromptRowsPerStep = limit }.PromptRows, Is.EqualTo(expected));
}
