using SLoRA.Evaluation.Runs;

namespace SLoRA.Evaluation.Tests.Runs;

internal sealed class RunMetricsTests
{
    // Sent at 0, 1 and 2; first tokens after 1, 3 and 7 s; ends at 10, 12 and 20; a fourth was given up after its first token.
    private static readonly Outcome[] Outcomes =
    [
        new(0, 0, 10, 5, 0, 1, 10), new(1, 0, 20, 10, 1, 4, 12), new(2, 1, 30, 20, 2, 9, 20), new(3, 1, 40, 40, 3, 4, null),
    ];

    private readonly RunMetrics _metrics = RunMetrics.Of(Outcomes, 1, 6);

    [Test]
    public void Throughput_counts_what_was_completed_until_the_last_answer()
    {
        Assert.That(_metrics.Throughput, Is.EqualTo(3 / 20.0));
        Assert.That(_metrics.TokenThroughput, Is.EqualTo(35 / 20.0));
        Assert.That((_metrics.Completed, _metrics.Aborted), Is.EqualTo((3, 1)));
    }

    [Test]
    public void Latencies_are_means_over_what_was_completed()
    {
        Assert.That(_metrics.Latency, Is.EqualTo((10 + 11 + 18) / 3.0));
        Assert.That(_metrics.LatencyPerToken, Is.EqualTo(((10 / 15.0) + (11 / 30.0) + (18 / 50.0)) / 3).Within(1e-12));
        Assert.That(_metrics.LatencyPerOutputToken, Is.EqualTo((2 + 1.1 + 0.9) / 3).Within(1e-12));
        Assert.That(_metrics.FirstToken, Is.EqualTo(11 / 3.0));
        Assert.That(_metrics.FirstTokenMedian, Is.EqualTo(3));
    }

    [Test]
    public void Attainment_and_satisfaction_are_means_over_all_and_those_given_up_have_none()
    {
        Assert.That(_metrics.Attainment, Is.EqualTo(2 / 4.0));
        Assert.That(_metrics.Satisfaction, Is.EqualTo(((1 - (1 / 36.0)) + (1 - (9 / 36.0))) / 4).Within(1e-12));
    }

    [Test]
    public void The_stripped_throughput_leaves_ten_seconds_of_requests_out_at_both_ends()
    {
        Outcome[] many = [.. Enumerable.Range(0, 100).Select(i => new Outcome(i, 0, 1, 1, i * 0.5, i * 0.5, (i * 0.5) + 10.5))];

        Assert.That(RunMetrics.Of(many, 2, 6).StrippedThroughput, Is.EqualTo((100 - 40) / (60.0 - 20)));
        Assert.That(_metrics.StrippedThroughput, Is.Null);
    }

    [TestCase(0, 1)]
    [TestCase(0.5, 2.5)]
    [TestCase(0.9, 3.7)]
    [TestCase(1, 4)]
    public void Percentiles_are_those_of_numpy(double share, double expected) =>
        Assert.That(RunMetrics.Percentile([1, 2, 3, 4], share), Is.EqualTo(expected).Within(1e-12));

    [Test]
    public void A_run_in_which_nothing_was_completed_has_no_throughput()
    {
        RunMetrics none = RunMetrics.Of([new Outcome(0, 0, 1, 1, 0, null, null)], 1, 6);

        Assert.That((none.Throughput, none.Attainment, none.FirstToken99), Is.EqualTo((0.0, 0.0, 0.0)));
    }
}
