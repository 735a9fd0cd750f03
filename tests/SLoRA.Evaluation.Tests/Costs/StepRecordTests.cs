using SLoRA.Evaluation.Costs;
using SLoRA.Planning;

namespace SLoRA.Evaluation.Tests.Costs;

internal sealed class StepRecordTests
{
    [Test]
    public void Steps_are_read_as_they_were_written()
    {
        MeasuredStep[] steps =
        [
            new(new StepLoad(40, 12, 5100, 3, 112, 900), 0, 0.012345),
            new(default, 1L << 33, 2.5),
        ];
        string file = Path.GetTempFileName();
        try
        {
            StepRecord.Write(file, steps);

            Assert.That(StepRecord.Read(file), Is.EqualTo(steps));
        }
        finally
        {
            File.Delete(file);
        }
    }
}
