using SLoRA.Evaluation.Experiments;
using SLoRA.Evaluation.Runs;

namespace SLoRA.Evaluation.Tests.Experiments;

internal sealed class ResultFolderTests
{
    private DirectoryInfo _folder = null!;

    [SetUp]
    public void Make() => _folder = Directory.CreateTempSubdirectory("slora-results-");

    [TearDown]
    public void Delete() => _folder.Delete(recursive: true);

    [Test]
    public void Results_come_back_to_five_digits()
    {
        var folder = new ResultFolder(_folder.FullName);
        RunMetrics metrics = RunMetrics.Of([new Outcome(0, 0, 10, 5, 0, 1, 3)], 1, 6);
        folder.Save(new ExperimentResult
        {
            Name = "test",
            Varies = "α",
            Conditions = "none",
            Points =
            [
                new Point { Series = "a", X = 0.3, Metrics = metrics, Extra = new() { ["b"] = 1234567.8 } },
                new Point { Series = "c", X = 1 },
            ],
        });

        ExperimentResult read = folder.Load("test")!;

        Assert.Multiple(() =>
        {
            Assert.That(read.Throughput("a", 0.3), Is.EqualTo(0.33333));
            Assert.That(read.Find("a", 0.3)!.Extra["b"], Is.EqualTo(1234600));
            Assert.That(read.Find("a", 0.3)!.Metrics!.StrippedThroughput, Is.Null);
            Assert.That(read.Find("c", 1)!.Metrics, Is.Null);
            Assert.That(folder.Load("other"), Is.Null);
        });
    }
}
