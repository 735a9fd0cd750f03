using SLoRA.Evaluation.Experiments;
using SLoRA.Evaluation.Runs;

namespace SLoRA.Evaluation.Tests.Experiments;

internal sealed class ServiceGapTests
{
    [Test]
    public void Clients_that_are_served_alike_have_no_gap()
    {
        Outcome[] outcomes =
        [
            new(0, 0, 10, 5, 0, 2, 2), new(1, 1, 10, 5, 0, 2, 2), new(2, 0, 10, 5, 0, 5, 5), new(3, 1, 10, 5, 0, 5, 5),
        ];

        Assert.That(ServiceGap.Of(outcomes), Is.Zero);
    }

    [Test]
    public void The_gap_is_what_one_got_while_both_waited()
    {
        // Client 0 gets 10 + 2 · 5 at second 2, and again at 3, while client 1 waits until 6.
        Outcome[] outcomes =
        [
            new(0, 0, 10, 5, 0, 2, 2), new(1, 0, 10, 5, 0, 3, 3), new(2, 0, 10, 5, 0, 7, 7), new(3, 1, 10, 5, 0, 6, 6),
        ];

        Assert.That(ServiceGap.Of(outcomes), Is.EqualTo(40));
    }

    [Test]
    public void What_one_gets_while_the_other_wants_nothing_counts_not()
    {
        Outcome[] outcomes = [new(0, 0, 10, 5, 0, 2, 2), new(1, 0, 10, 5, 0, 3, 3), new(2, 1, 10, 5, 4, 5, 5)];

        Assert.That(ServiceGap.Of(outcomes), Is.Zero);
    }
}
