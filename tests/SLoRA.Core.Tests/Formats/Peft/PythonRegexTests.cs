using System.Diagnostics;
using System.Text.Json;
using NUnit.Framework;
using SLoRA.Core.Tests.Adapters;
using SLoRA.Formats;
using SLoRA.Formats.Peft;

namespace SLoRA.Core.Tests.Formats.Peft;

internal sealed class PythonRegexTests
{
    /// <summary>fixtures/python-regex.json holds what Python's own engine answers.</summary>
    [Test]
    public void Every_expression_matches_or_is_refused_as_in_Python()
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(FixtureModel.Root, "python-regex.json")));
        string[] names = [.. document.RootElement.GetProperty("names").EnumerateArray().Select(name => name.GetString()!)];
        var wrong = new List<string>();
        foreach (JsonElement item in document.RootElement.GetProperty("cases").EnumerateArray())
        {
            string pattern = item.GetProperty("pattern").GetString()!;
            JsonElement matches = item.GetProperty("matches");
            string expected = matches.ValueKind == JsonValueKind.Null
                ? "refused"
                : string.Join(" ", matches.EnumerateArray().Select(name => name.GetString()));
            string actual = Try(pattern, out FormatError? error) is { } regex ? string.Join(" ", names.Where(regex.IsMatch)) : "refused";
            if (actual != expected)
            {
                wrong.Add($"{pattern}: {actual} {error?.Message}, Python: {expected}");
            }
        }

        Assert.That(wrong, Is.Empty);
    }

    [Test]
    public void A_refusal_names_the_key_and_the_place()
    {
        var error =
            Assert.Throws<FormatError>(() => PythonRegex.FullMatch("a(b", new RegexBudget(), "adapter_config.json", "target_modules"))!;
        Assert.Multiple(() =>
        {
            Assert.That(error.Kind, Is.EqualTo(LoadErrorKind.Config));
            Assert.That(error.Subject, Is.EqualTo("target_modules"));
            Assert.That(error.Message, Does.Contain("position 3"));
        });
    }

    [TestCase("(?x)a b")]
    [TestCase(@"\U0001F600")]
    [TestCase("a{1001}")]
    [TestCase("a{99999999999}")]
    public void What_Python_can_and_we_cannot_is_refused(string pattern) => Assert.That(Try(pattern, out _), Is.Null);

    [Test]
    public void Deep_nesting_and_long_expressions_are_refused()
    {
        Assert.That(Try(new string('(', 5000) + new string(')', 5000), out _), Is.Null);
        Assert.That(Try(new string('a', PythonRegex.LongestExpression + 1), out _), Is.Null);
    }

    [TestCase("((([a-z_.0-9])+)+)+!")]
    [TestCase("(((a{0,1000}){0,1000}){0,1000}){0,1000}!")]
    [TestCase("(.*.*.*.*.*.*.*.*.*)*!")]
    [TestCase("(?=((([a-z_.0-9])+)+)+!).*")]
    [TestCase(@"(([a-z_.0-9]+)+)+\2!")]
    [TestCase("(?!(a|a|[a-z_.0-9]+)*!).*x")]
    public void An_expression_that_explodes_is_bounded_over_all_modules(string pattern)
    {
        var time = Stopwatch.StartNew();
        PythonRegex? regex = Try(pattern, out FormatError? error);
        try
        {
            for (int layer = 0; layer < 80; layer++)
            {
                regex?.IsMatch($"model.layers.{layer}.self_attn.q_proj");
            }
        }
        catch (FormatError timeout)
        {
            error = timeout;
        }

        TestContext.Out.WriteLine($"{time.ElapsedMilliseconds} ms: {error?.Message ?? "answered"}");
        Assert.That(time.Elapsed, Is.LessThan(TimeSpan.FromSeconds(1)));
        Assert.That(error?.Kind ?? LoadErrorKind.Config, Is.EqualTo(LoadErrorKind.Config));
    }

    [Test]
    public void A_list_of_all_modules_of_a_large_model_is_answered()
    {
        string[] names = [.. Enumerable.Range(0, 120)
            .SelectMany(layer => (string[])[$"model.layers.{layer}.self_attn.q_proj", $"model.layers.{layer}.mlp.down_proj"])];
        PythonRegex regex = Try(string.Join('|', names.Select(name => name.Replace(".", @"\.", StringComparison.Ordinal))), out _)!;
        Assert.That(names.All(regex.IsMatch), Is.True);
        Assert.That(names.Any(name => regex.IsMatch(name + "x")), Is.False);
    }

    [Test]
    public void Match_finds_groups_by_number_from_the_start_of_the_text()
    {
        PythonRegex regex = PythonRegex.Match(@".*?\.[^.]*\.(\d+)\.", new RegexBudget(), "file", "key");
        Assert.That(regex.Group("model.layers.12.experts.3.w1", 1), Is.EqualTo("12"));
        Assert.That(regex.Group("layers.12.x", 1), Is.Null);
        Assert.That(PythonRegex.Match("b", new RegexBudget(), "file", "key").IsMatch("ab"), Is.False);
    }

    private static PythonRegex? Try(string pattern, out FormatError? error)
    {
        error = null;
        try
        {
            return PythonRegex.FullMatch(pattern, new RegexBudget(), "file", "key");
        }
        catch (FormatError refused)
        {
            error = refused;
            return null;
        }
    }
}
