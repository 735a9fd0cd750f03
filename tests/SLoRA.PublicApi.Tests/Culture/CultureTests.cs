using SLoRA.PublicApi.Tests.Samples;

namespace SLoRA.PublicApi.Tests.Culture;

/// <summary>
/// Culture, line endings and the way in which a path is written do not matter. The samples are built for the invariant culture, so they run
/// here with a runtime configuration that has all cultures, in a language whose i has no dot in capitals, and in one that writes 0,5.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class CultureTests
{
    private const string AllCultures = """
        {
          "runtimeOptions": {
            "tfm": "net10.0",
            "framework": { "name": "Microsoft.NETCore.App", "version": "10.0.0" },
            "configProperties": { "System.Globalization.Invariant": false }
          }
        }
        """;

    [TestCase("tr_TR.UTF-8")]
    [TestCase("de_DE.UTF-8")]
    [TestCase("en_US.UTF-8")]
    public async Task A_sample_answers_the_same_under(string language)
    {
        SampleResult result = await RunAsync(language, "Quickstart", "--temperature", "0.5", "--seed", "7");
        SampleResult invariant = await SampleProcess.RunAsync("Quickstart", "--temperature", "0.5", "--seed", "7");

        result.AssertSuccess();
        Assert.That(Answers(result), Is.EqualTo(Answers(invariant)));
        Assert.That(Answers(result), Has.Length.EqualTo(9));
    }

    [TestCase("tr_TR.UTF-8")]
    [TestCase("de_DE.UTF-8")]
    public async Task Messages_write_numbers_the_same_under(string language)
    {
        string[] arguments = ["--temperature", "-0.5"];
        SampleResult result = await RunAsync(language, "Quickstart", arguments);
        SampleResult invariant = await SampleProcess.RunAsync("Quickstart", arguments);

        Assert.That(result.ExitCode, Is.EqualTo(invariant.ExitCode).And.Not.Zero);
        Assert.That(result.Error, Is.EqualTo(invariant.Error));
    }

    private static string[] Answers(SampleResult result) =>
        [.. result.Lines.Where(line => line.Contains(": ", StringComparison.Ordinal)).Take(9)];

    private static async Task<SampleResult> RunAsync(string language, string sample, params string[] arguments)
    {
        string configuration = Path.Combine(TestContext.CurrentContext.WorkDirectory, $"all-cultures-{Guid.NewGuid():N}.json");
        await File.WriteAllTextAsync(configuration, AllCultures);
        try
        {
            using SampleProcess process = SampleProcess.StartUnder(language, configuration, sample, arguments);
            process.Input.Close();
            SampleResult result = await process.EndAsync();
            if (result.Error.Contains("libicu", StringComparison.OrdinalIgnoreCase))
            {
                Assert.Ignore("skipped: this machine has no ICU, so it has no cultures but the invariant one.");
            }

            return result;
        }
        finally
        {
            File.Delete(configuration);
        }
    }
}
