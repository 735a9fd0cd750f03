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
            "An_adapter_of_another_model", Failure, "Adapter 'a'",
            [.. OwnModel, "--adapter", "a=" + Repository.PathOf("tests", "fixtures", "core-qwen2", "adapters", "rslora-r5")]);
        yield return Case("An_adapter_in_place_of_a_model", Usage, "--adapter NAME="
            + Demo.Adapter("bakery"), "--model", Demo.Adapter("bakery"), "--prompt", "x");
        yield return Case("A_name_on_the_Hub_as_model", Usage, "hf download nobody/no-such-model --local-dir no-such-model", "--model",
            "nobody/no-such-model", "--prompt", "x");
        yield return Case(
            "An_address_on_the_Hub_as_model", Usage, "hf download nobody/a.model --local-dir a.model", "--model",
            "https://huggingface.co/nobody/a.model/tree/main", "--prompt", "x");
        yield return Case("A_name_on_the_Hub_as_adapter", Usage, "hf download nobody/no-such-adapter",
            [.. OwnModel, "--adapter", "a=nobody/no-such-adapter"]);
        yield return Case("A_file_in_place_of_a_model", Usage, "the folder that holds it", "--model",
            Path.Combine(Demo.Model, "model.safetensors"), "--prompt", "x");
        yield return Case(
            "A_file_in_place_of_an_adapter", Usage, "the folder that holds it",
            [.. OwnModel, "--adapter", "a=" + Path.Combine(Demo.Adapter("bakery"), "adapter_model.safetensors")]);
        yield return Case("A_folder_around_a_model", Usage, "inside that has: "
            + Demo.Model, "--model", Path.GetDirectoryName(Demo.Model)!, "--prompt", "x");
        yield return Case("A_tenant_nobody_knows", Usage, "base, bakery, bicycles, clinic, garden, hotel, library, museum, observatory",
            "--chat", "florist");
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

        AssertOneLine(result, exitCode, named);
    }

    [TestCase("model-q4_k_m.gguf")]
    [TestCase(".")]
    public async Task A_broken_GGUF_model_is_named(string given)
    {
        using var folder = new OwnFolder();
        File.WriteAllBytes(Path.Combine(folder.Path, "model-q4_k_m.gguf"), [.. "GGUF"u8, 3, 0, 0, 0]);
        SampleResult result = await SampleProcess.RunAsync("Quickstart", "--model", Path.Combine(folder.Path, given), "--prompt", "x");

        AssertOneLine(result, Failure, "model-q4_k_m.gguf", "header");
    }

    [Test]
    public async Task An_adapter_in_place_of_a_model_leads_to_its_base()
    {
        using var folder = new OwnFolder();
        File.WriteAllText(Path.Combine(folder.Path, "adapter_config.json"),
            """{ "peft_type": "LORA", "base_model_name_or_path": "somebody/the-base" }""");
        SampleResult result = await SampleProcess.RunAsync("Quickstart", "--model", folder.Path, "--prompt", "x");

        AssertOneLine(result, Usage, "'somebody/the-base' as --model DIR");
    }

    [Test]
    public async Task The_Hubs_cache_leads_to_its_snapshot()
    {
        using var folder = new OwnFolder();
        string snapshot = Path.Combine(folder.Path, "snapshots", "0123abcd");
        Directory.CreateDirectory(snapshot);
        File.WriteAllText(Path.Combine(snapshot, "config.json"), "{}");
        SampleResult result = await SampleProcess.RunAsync("Quickstart", "--model", folder.Path, "--prompt", "x");

        AssertOneLine(result, Usage, "inside that has: " + snapshot);
    }

    [Test]
    public async Task Outside_the_repository_it_says_what_it_misses()
    {
        using var folder = new OwnFolder();
        foreach (string file in Directory.GetFiles(Repository.SampleOutput("Quickstart")))
        {
            File.Copy(file, Path.Combine(folder.Path, Path.GetFileName(file)));
        }

        using SampleProcess process = SampleProcess.StartCopy(folder.Path, "Quickstart");

        AssertOneLine(await process.EndAsync(), Usage, "The demo model was not found: ");
    }

    private static void AssertOneLine(SampleResult result, int exitCode, params string[] named) => Assert.Multiple(() =>
    {
        Assert.That(result.ExitCode, Is.EqualTo(exitCode));
        Assert.That(result.Error, Does.Match("^error: .+\n$"), "one line");
        foreach (string part in named)
        {
            Assert.That(result.Error, Does.Contain(part));
        }

        Assert.That(result.Output, Is.Empty);
    });

    private static TestCaseData Case(string name, int exitCode, string named, params string[] arguments) =>
        new TestCaseData(exitCode, named, arguments).SetName(name + "_gives_one_line_and_an_exit_code");

    /// <summary>A folder that lives as long as its test.</summary>
    private sealed class OwnFolder : IDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("slora-quickstart-");

        public string Path => _folder.FullName;

        public void Dispose() => _folder.Delete(recursive: true);
    }
}
