using System.Globalization;
using System.Text.RegularExpressions;

namespace SLoRA.PublicApi.Tests.Samples;

[Parallelizable(ParallelScope.All)]
public sealed partial class QuickstartTests
{
    private const string Quickstart = "Quickstart";

    [Test]
    public async Task Redirected_it_prints_a_line_per_tenant_and_a_summary()
    {
        SampleResult result = await SampleProcess.RunAsync(Quickstart);

        result.AssertSuccess();
        string[] expected = [Line("base", Demo.Answer(null)), .. Demo.Tenants.Select(tenant => Line(tenant, Demo.Answer(tenant)))];
        Assert.That(result.Lines.Take(expected.Length), Is.EqualTo(expected));
        Assert.That(result.Lines, Has.Length.EqualTo(expected.Length + 3));
        Assert.That(result.Output, Does.Not.Contain("\u001b"), "escape codes");
        Match tokens = TokenSummary().Match(result.Lines[^3]);
        Assert.That(tokens.Success, result.Lines[^3]);
        Assert.That(int.Parse(tokens.Groups[1].Value, CultureInfo.InvariantCulture), Is.GreaterThan(100));
        Match steps = StepSummary().Match(result.Lines[^2]);
        Assert.That(steps.Success, result.Lines[^2]);
        Assert.That(double.Parse(steps.Groups[1].Value, CultureInfo.InvariantCulture), Is.GreaterThan(1),
            "adapters per step: the tenants share steps");
        Assert.That(result.Lines[^1],
            Does.Match(@"^pool: \d+ pages of \d+ KiB: 0 cache, \d+ kept prefixes, [1-9]\d* adapters, 0 reserved, \d+ free$"));
    }

    [Test]
    public async Task It_asks_what_it_is_told_to()
    {
        SampleResult result = await SampleProcess.RunAsync(Quickstart, "--question", "How much is a loaf of bread?");

        result.AssertSuccess();
        Assert.That(result.Lines[0], Is.EqualTo(Line("base", Demo.Answer(null, "How much is a loaf of bread?"))));
    }

    [Test]
    public async Task Help_names_every_option()
    {
        SampleResult result = await SampleProcess.RunAsync(Quickstart, "--help");

        result.AssertSuccess();
        Assert.Multiple(() =>
        {
            foreach (string option in (string[])["--question", "--chat", "--model", "--adapter", "--prompt", "--int8", "--max-tokens",
                "--temperature", "--seed", "--raw", "--version"])
            {
                Assert.That(result.Output, Does.Contain(option));
            }
        });
    }

    [Test]
    public async Task Version_is_one_line()
    {
        SampleResult result = await SampleProcess.RunAsync(Quickstart, "--version");

        result.AssertSuccess();
        Assert.That(result.Lines, Has.Length.EqualTo(1));
        Assert.That(result.Output, Does.Match(@"^\d+\.\d+\.\d+"));
    }

    [Test]
    public async Task A_conversation_remembers_what_was_said_and_ends_with_quit()
    {
        DemoCase turns = Demo.Cases.Single(known => known.Name == "bakery-two-turns");
        using SampleProcess process = SampleProcess.Start(Quickstart, "--chat", "bakery");
        await process.Input.WriteLineAsync(turns.Messages[0].Content!.GetValue<string>());
        await process.Input.WriteLineAsync(turns.Messages[2].Content!.GetValue<string>());
        await process.Input.WriteLineAsync("/quit");
        await process.Input.WriteLineAsync(Demo.Hours);
        process.Input.Close();
        SampleResult result = await process.EndAsync();

        result.AssertSuccess();
        Assert.That(
            result.Lines, Is.EqualTo(new[] { "bakery: " + turns.Messages[1].Content!.GetValue<string>(), "bakery: " + turns.Text }));
    }

    [Test]
    public async Task A_conversation_with_the_base_ends_with_its_input()
    {
        using SampleProcess process = SampleProcess.Start(Quickstart, "--chat", "base");
        await process.Input.WriteLineAsync(Demo.Hours);
        process.Input.Close();
        SampleResult result = await process.EndAsync();

        result.AssertSuccess();
        Assert.That(result.Output, Is.EqualTo("base: " + Demo.Answer(null) + "\n"));
    }

    [Test]
    public async Task A_long_conversation_forgets_its_beginning()
    {
        using SampleProcess process = SampleProcess.Start(Quickstart, "--chat", "bicycles", "--max-tokens", "400");
        const int Turns = 50;
        for (int i = 0; i < Turns; i++)
        {
            await process.Input.WriteLineAsync(Demo.Hours);
        }

        process.Input.Close();
        SampleResult result = await process.EndAsync();

        result.AssertSuccess();
        Assert.That(result.Lines, Has.Length.EqualTo(Turns));
    }

    [Test]
    public async Task It_runs_the_users_own_files()
    {
        SampleResult result = await SampleProcess.RunAsync(
            Quickstart, "--model", Demo.Model, "--adapter", "pirate=" + Demo.Adapter("hotel"), "--adapter", "poet="
                + Demo.Adapter("library"), "--prompt", Demo.Hours);

        result.AssertSuccess();
        Assert.That(
            result.Lines.Take(3),
            Is.EqualTo(
                new[] { Line("base", Demo.Answer(null)), Line("pirate", Demo.Answer("hotel")), Line("poet", Demo.Answer("library")) }));
    }

    [Test]
    public async Task An_answer_that_its_limit_ends_is_marked()
    {
        SampleResult result = await SampleProcess.RunAsync(Quickstart, "--max-tokens", "3");

        result.AssertSuccess();
        string[] answers = [Demo.Answer(null), .. Demo.Tenants.Select(tenant => Demo.Answer(tenant))];
        Assert.Multiple(() =>
        {
            foreach ((string line, string answer) in result.Lines.Zip(answers))
            {
                Match cut = CutLine().Match(line);
                Assert.That(cut.Success, line);
                Assert.That(answer, Does.StartWith(cut.Groups["text"].Value), "the text before the mark");
            }
        });
    }

    [Test]
    public async Task An_answer_that_its_limit_ends_is_marked_in_a_conversation_too()
    {
        using SampleProcess process = SampleProcess.Start(Quickstart, "--chat", "bakery", "--max-tokens", "3");
        await process.Input.WriteLineAsync(Demo.Hours);
        process.Input.Close();
        SampleResult result = await process.EndAsync();

        result.AssertSuccess();
        Match cut = CutLine().Match(result.Lines.Single());
        Assert.That(cut.Success, result.Output);
        Assert.That(Demo.Answer("bakery"), Does.StartWith(cut.Groups["text"].Value));
    }

    [Test]
    public async Task With_int8_it_answers_from_rounded_weights()
    {
        SampleResult answers = await SampleProcess.RunAsync(Quickstart, "--int8");
        string[] sampled = ["--max-tokens", "60", "--temperature", "3", "--seed", "5"];
        SampleResult stored = await SampleProcess.RunAsync(Quickstart, sampled);
        SampleResult rounded = await SampleProcess.RunAsync(Quickstart, [.. sampled, "--int8"]);

        answers.AssertSuccess();
        Assert.That(answers.Lines[1], Is.EqualTo(Line("bakery", Demo.Answer("bakery"))), "what the model is sure of stays");
        Assert.That(rounded.Lines[0], Is.Not.EqualTo(stored.Lines[0]), "what hangs on the last bits does not");
    }

    [Test]
    public async Task Sampled_answers_repeat_with_their_seed()
    {
        string[] arguments =
            ["--model", Demo.Model, "--prompt", "We are open", "--raw", "--max-tokens", "12", "--temperature", "1.5", "--seed"];
        SampleResult first = await SampleProcess.RunAsync(Quickstart, [.. arguments, "5"]);
        SampleResult again = await SampleProcess.RunAsync(Quickstart, [.. arguments, "5"]);
        SampleResult other = await SampleProcess.RunAsync(Quickstart, [.. arguments, "6"]);

        Assert.That(again.Lines[0], Is.EqualTo(first.Lines[0]));
        Assert.That(other.Lines[0], Is.Not.EqualTo(first.Lines[0]));
    }

    [Test]
    public async Task A_reader_that_leaves_early_ends_it_quietly()
    {
        using SampleProcess process = SampleProcess.Start(Quickstart);
        Assert.That(await process.ReadLineAsync(), Is.EqualTo(Line("base", Demo.Answer(null))));
        process.CloseOutput();
        SampleResult result = await process.EndAsync(readsOutput: false);

        result.AssertSuccess();
    }

    [Test]
    [Platform(Exclude = "Win")]
    public async Task Interrupted_while_it_waits_for_input_it_ends_with_130()
    {
        using SampleProcess process = SampleProcess.Start(Quickstart, "--chat", "bakery");
        await process.Input.WriteLineAsync(Demo.Hours);
        Assert.That(await process.ReadLineAsync(), Is.EqualTo("bakery: " + Demo.Answer("bakery")));
        await process.InterruptAsync();
        SampleResult result = await process.EndAsync();

        Assert.That(result.ExitCode, Is.EqualTo(130));
        Assert.That(result.Error, Is.Empty);
    }

    [Test]
    [Platform(Exclude = "Win")]
    public async Task Interrupted_while_it_generates_it_ends_with_130()
    {
        // So hot that the model says anything but that it has finished.
        using SampleProcess process =
            SampleProcess.Start(Quickstart, "--chat", "base", "--temperature", "50", "--seed", "1", "--max-tokens", "900");
        await process.Input.WriteLineAsync(Demo.Hours);
        for (int i = 0; i < "base: ".Length + 1; i++)
        {
            await process.ReadSomethingAsync();
        }

        await process.InterruptAsync();
        SampleResult result = await process.EndAsync();

        Assert.That(result.ExitCode, Is.EqualTo(130));
        Assert.That(result.Error, Is.Empty);
    }

    private static string Line(string tenant, string answer) => $"{tenant}: {answer.ReplaceLineEndings(" / ")}";

    [GeneratedRegex(@"^\w+: (?<text>.+) \[cut at --max-tokens 3\]$")]
    private static partial Regex CutLine();

    [GeneratedRegex(@"^9 answers, (\d+) tokens in \d+\.\d\d s: \d+ tokens/s$")]
    private static partial Regex TokenSummary();

    [GeneratedRegex(@"^\d+ steps; on average (\d+\.\d) adapters and \d+\.\d rows per step \(\d+ steps seen\)$")]
    private static partial Regex StepSummary();
}
