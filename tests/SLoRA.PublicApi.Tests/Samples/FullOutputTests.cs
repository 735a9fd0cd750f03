namespace SLoRA.PublicApi.Tests.Samples;

/// <summary>Output that nobody can take, as on a full disk: one line and an exit code, and no stack of a crash.</summary>
[Platform("Linux")]
[Parallelizable(ParallelScope.All)]
public sealed class FullOutputTests
{
    [TestCase("Quickstart", "--max-tokens", "3")]
    [TestCase("Quickstart", "--chat", "bakery")]
    [TestCase("Quickstart", "--help")]
    [TestCase("ThousandTenants", "--seconds", "600")]
    [TestCase("ThousandTenants", "--help")]
    public async Task A_full_disk_is_one_line_and_exit_code_1(string sample, params string[] arguments)
    {
        SampleResult result = await SampleProcess.RunRedirectedAsync("> /dev/full", sample, arguments);

        Assert.That(result.ExitCode, Is.EqualTo(1));
        Assert.That(result.Error, Does.Match("^error: Input or output failed: No space left on device.*\n$"));
    }

    [TestCase("Quickstart", "--max-tokens", "3")]
    [TestCase("ThousandTenants", "--seconds", "600")]
    public async Task Closed_output_is_one_line_and_exit_code_1(string sample, params string[] arguments)
    {
        SampleResult result = await SampleProcess.RunRedirectedAsync(">&-", sample, arguments);

        Assert.That(result.ExitCode, Is.EqualTo(1));
        Assert.That(result.Error, Does.Match("^error: Input or output failed: .+\n$"));
    }

    [TestCase("Quickstart", "2> /dev/full")]
    [TestCase("Quickstart", "2>&-")]
    [TestCase("ThousandTenants", "2> /dev/full")]
    public async Task An_error_that_cannot_be_told_is_its_exit_code(string sample, string redirection)
    {
        SampleResult result = await SampleProcess.RunRedirectedAsync(redirection, sample, "--nobody-knows-this");

        Assert.That(result.ExitCode, Is.EqualTo(2));
    }
}
