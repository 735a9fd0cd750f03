namespace SLoRA.PublicApi.Tests.Samples;

/// <summary>Whatever is wrong: one clear line on standard error, nothing on standard output, and an exit code that says so.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class QuickstartErrorTests
{
    private const int Failure = 1;
    private const int Usage = 2;

    private static readonly string[] OwnModel = ["--model", Demo.Model, "--prompt", "x"];

    public static IEnumerable<TestCaseData> BadInput()
    {
        yield return Case("A_model_that_is_not_there", Failure, "no-such-folder", "--model", "no-such-folder", "--prompt", "x");
        yield return Case("An_adapter_that_is_not_there", Failure, "(adapter.file)", [.. OwnModel, "--adapter", "a=no-such-folder"]);
        yield return Case("A_model_in_place_of_an_adapter", Failure, "adapter_config.json", [.. OwnModel, "--adapter", "a=" + Demo.Model]);
        yield return Case(
            "An_adapter_of_another_model", Failure, "Adapter 'a'", [.. OwnModel, "--adapter", "a=" + Repository.PathOf("tests", "fixtures", "core-qwen2", "adapters", "rslora-r5")]);
        yield return Case("A_tenant_nobody_knows", Usage, "base, bakery, bicycles, clinic, garden, hotel, library, museum, observatory", "--chat", "florist");
        yield return Case("An_adapter_without_a_folder", Usage, "NAME=DIR", [.. OwnModel, "--adapter", "a"]);
        yield return Case("An_adapter_without_a_name", Usage, "NAME=DIR", [.. OwnModel, "--adapter", "=somewhere"]);
        yield return Case("Two_adapters_of_one_name", Usage, "'a'", [.. OwnModel, "--adapter", "a=x", "--adapter", "a=y"]);
        yield return Case("An_adapter_named_like_the_base", Usage, "'base'", [.. OwnModel, "--adapter", "base=x"]);
        yield return Case("An_adapter_without_a_model", Usage, "--model", "--adapter", "a=x");
        yield return Case("A_model_without_a_prompt", Usage, "--prompt", "--model", Demo.Model);
        yield return Case("An_option_nobody_knows", Usage, "--colour", "--colour", "red");
        yield return Case("A_number_that_is_none", Usage, "many", "--max-tokens", "many");
        yield return Case("No_tokens_at_all", Failure, "MaxTokens", "--max-tokens", "0");
        yield return Case("More_tokens_than_the_context_has", Failure, "1024", "--max-tokens", "5000");
        yield return Case("A_negative_temperature", Failure, "Temperature", "--temperature", "-1");
    }

    [TestCaseSource(nameof(BadInput))]
    public async Task Gives_one_line_and_an_exit_code(int exitCode, string named, string[] arguments)
    {
        SampleResult result = await SampleProcess.RunAsync("Quickstart", arguments);

        Assert.Multiple(() =>
        {
            Assert.That(result.ExitCode, Is.EqualTo(exitCode));
            Assert.That(result.Error, Does.StartWith("error: ").And.Contain(named).And.EndsWith("\n"));
            Assert.That(result.Error.TrimEnd('\n'), Does.Not.Contain("\n"), "one line");
            Assert.That(result.Output, Is.Empty);
        });
    }

    [Test]
    public async Task Outside_the_repository_it_says_what_it_misses()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("slora-quickstart-");
        try
        {
            foreach (string file in Directory.GetFiles(Repository.SampleOutput("Quickstart")))
            {
                File.Copy(file, Path.Combine(folder.FullName, Path.GetFileName(file)));
            }

            using SampleProcess process = SampleProcess.StartCopy(folder.FullName, "Quickstart");
            SampleResult result = await process.EndAsync();

            Assert.Multiple(() =>
            {
                Assert.That(result.ExitCode, Is.EqualTo(Usage));
                Assert.That(result.Error, Does.Match("^error: The demo model was not found: .+\n$"));
                Assert.That(result.Output, Is.Empty);
            });
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static TestCaseData Case(string name, int exitCode, string named, params string[] arguments) =>
        new TestCaseData(exitCode, named, arguments).SetName(name + "_gives_one_line_and_an_exit_code");
}
