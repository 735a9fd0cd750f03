using NUnit.Framework;

namespace SLoRA.Core.Tests.Engine;

[Parallelizable(ParallelScope.All)]
public sealed class LoadingProgressTests
{
    [Test]
    public void Loading_reports_every_stage_to_its_end()
    {
        var reports = new List<LoadProgress>();
        using var engine = new SteppedEngine(progress: new Reports(reports));

        Assert.That(reports.Select(report => report.Stage).Distinct(), Is.EqualTo(new[] { "weights", "device" }));
        Assert.That(reports.GroupBy(report => report.Stage)
            .Select(stage => stage.Last()), Is.All.Matches<LoadProgress>(report => report.BytesDone == report.BytesTotal));
    }

    private sealed class Reports(List<LoadProgress> reports) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value) => reports.Add(value);
    }
}
