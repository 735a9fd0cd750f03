using NUnit.Framework;

namespace SLoRA.Core.Tests.Requests;

[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class LogProbabilityOptionsTests
{
    [TestCase(-1, 5000)]
    [TestCase(1025, 5000)]
    [TestCase(41, 40)]
    public void A_count_out_of_range_is_refused(int count, int vocabulary)
    {
        LogProbabilityOptions options = new() { TopCount = count };
        InvalidRequestException error = Assert.Throws<InvalidRequestException>(() => options.Validate(vocabulary))!;
        Assert.That(error.Parameter, Is.EqualTo("TopCount"));
        Assert.That(error.Message, Does.Contain($"{count}"));
    }

    [Test]
    public void An_unknown_source_is_refused()
    {
        LogProbabilityOptions options = new() { Source = (LogProbabilitySource)7 };
        Assert.That(Assert.Throws<InvalidRequestException>(() => options.Validate(10))!.Parameter, Is.EqualTo("Source"));
    }

    [TestCase(0, 1)]
    [TestCase(40, 40)]
    [TestCase(1024, 5000)]
    public void A_count_in_range_is_accepted(int count, int vocabulary)
    {
        Assert.That(() => new LogProbabilityOptions { TopCount = count, IncludePrompt = true }.Validate(vocabulary), Throws.Nothing);
    }
}
