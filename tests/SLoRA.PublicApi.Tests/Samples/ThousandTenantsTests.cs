using System.Globalization;
using System.Text.RegularExpressions;

namespace SLoRA.PublicApi.Tests.Samples;

[Parallelizable(ParallelScope.All)]
public sealed partial class ThousandTenantsTests
{
    private const string Sample = "ThousandTenants";

    [Test]
    public async Task Redirected_it_prints_what_happens_and_a_summary()
    {
        SampleResult result = await SampleProcess.RunAsync(Sample, "--seconds", "4", "--pool", "8");

        result.AssertSuccess();
        Assert.That(result.Output, Does.Not.Contain("\u001b"), "escape codes");
        Assert.That(result.Lines[1], Is.EqualTo("1000 tenants, 24 callers"));
        Match answers = Answers().Match(result.Lines[^3]);
        Match adapters = Adapters().Match(result.Lines[^2]);
        Match pool = Pool().Match(result.Lines[^1]);
        Assert.That((answers.Success, adapters.Success, pool.Success), Is.EqualTo((true, true, true)), result.Output);
        Assert.Multiple(() =>
        {
            Assert.That(Number(answers, "tenants"), Is.GreaterThan(1), "tenants that were answered");
            Assert.That(Number(answers, "tokens"), Is.GreaterThan(0));
            Assert.That(Number(adapters, "pageins"), Is.GreaterThan(1));
            Assert.That(Number(pool, "cache") + Number(pool, "adapters") + Number(pool, "free"), Is.EqualTo(Number(pool, "total")));
        });
    }

    [Test]
    public async Task Ctrl_C_ends_it_tidily()
    {
        using SampleProcess process = SampleProcess.Start(Sample, "--seconds", "600");
        while (await process.ReadLineAsync() is { } line && !line.Contains("tokens/s", StringComparison.Ordinal))
        {
        }

        await process.InterruptAsync();
        SampleResult result = await process.EndAsync();

        Assert.Multiple(() =>
        {
            Assert.That(result.ExitCode, Is.EqualTo(130));
            Assert.That(result.Error, Is.Empty);
            Assert.That(result.Lines[^1], Does.Match(Pool()), "the summary comes nevertheless");
        });
    }

    [TestCase("--tenants", "0")]
    [TestCase("--zipf", "much")]
    [TestCase("--seconds", "-1")]
    [TestCase("--nobody", "1")]
    public async Task A_wrong_option_is_one_line_and_exit_code_2(string option, string value)
    {
        SampleResult result = await SampleProcess.RunAsync(Sample, option, value);

        Assert.Multiple(() =>
        {
            Assert.That(result.ExitCode, Is.EqualTo(2));
            Assert.That(result.Output, Is.Empty);
            Assert.That(result.Error, Does.Match("^error: .*\n$").And.Contains(option));
        });
    }

    private static int Number(Match match, string group) => int.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^answers: (?<answers>\d+) of (?<tenants>\d+) tenants, (?<tokens>\d+) tokens, \d+ tokens/s$")]
    private static partial Regex Answers();

    [GeneratedRegex(@"^adapters: \d+ hits, \d+ misses \(\d+ ?% hits\), (?<pageins>\d+) page-ins, \d+ evictions$")]
    private static partial Regex Adapters();

    [GeneratedRegex(@"^pool: (?<total>\d+) pages of \d+ KiB: (?<cache>\d+) KV, (?<adapters>\d+) adapters, (?<free>\d+) free$")]
    private static partial Regex Pool();
}
