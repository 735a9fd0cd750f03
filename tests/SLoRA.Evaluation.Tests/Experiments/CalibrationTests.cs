using SLoRA.Evaluation.Experiments;
using SLoRA.Planning;

namespace SLoRA.Evaluation.Tests.Experiments;

internal sealed class CalibrationTests
{
    [Test]
    public void It_is_read_from_a_result_as_it_was_written_into_it()
    {
        var cost = new StepCost
        {
            Step = 1,
            Row = 2,
            Output = 3,
            Context = 4,
            Adapter = 5,
            RankRow = 6,
            RankWork = 7,
            PageInByte = 8,
        };
        var calibration = new Calibration(cost, Probe: 9, Capacity: 10, Steps: 11, MergeFixed: 12, MergeRank: 13);
        var result = new ExperimentResult { Name = "r", Varies = "", Conditions = "", Points = [calibration.AsPoint()] };

        Assert.That(Calibration.Of(result), Is.EqualTo(calibration));
        Assert.That(Calibration.Of(result with { Points = [] }), Is.Null);
        Assert.That(calibration.MergeSeconds(2), Is.EqualTo(12 + (2 * 13)));
    }
}
