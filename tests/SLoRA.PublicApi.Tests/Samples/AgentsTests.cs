namespace SLoRA.PublicApi.Tests.Samples;

[Parallelizable(ParallelScope.All)]
public sealed class AgentsTests
{
    private const string Sample = "Agents";

    [Test]
    public async Task Agents_answer_as_their_tenants_and_both_tools_can_be_called()
    {
        SampleResult result = await SampleProcess.RunAsync(Sample);

        result.AssertSuccess();
        Assert.Multiple(() =>
        {
            foreach (string tenant in (string[])["bakery", "hotel", "library"])
            {
                Assert.That(result.Output, Does.Contain($"{tenant}: {Demo.Answer(tenant)}\n"));
            }

            Assert.That(result.Output, Does.Match(@"the tool today says: \d{4}-\d\d-\d\d\n"));
            Assert.That(result.Output, Does.Contain("the tool holiday_on says: New Year's Day\n"));
            Assert.That(result.Lines[^1], Does.Contain("has not learned to call tools"));
        });
    }

    [Test]
    public async Task A_model_is_told_of_the_tools()
    {
        SampleResult result = await SampleProcess.RunAsync(Sample, "--model", Demo.Model, "--question", "Are you open today?");

        result.AssertSuccess();
        Assert.That(result.Lines[^1], Is.EqualTo("It was told of today and holiday_on, and has called neither."));
    }

    [TestCase(2, "--nobody-knows-this")]
    [TestCase(1, "--model", "/no/such/folder")]
    public async Task What_cannot_be_is_one_line_and_an_exit_code(int exitCode, params string[] arguments)
    {
        SampleResult result = await SampleProcess.RunAsync(Sample, arguments);

        Assert.Multiple(() =>
        {
            Assert.That(result.ExitCode, Is.EqualTo(exitCode));
            Assert.That(result.Output, Is.Empty);
            Assert.That(result.Error, Does.Match("^error: .*\n$"));
        });
    }
}
