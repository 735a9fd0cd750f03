using System.Text.Json;
using NUnit.Framework;
using SLoRA.Formats.Peft;

namespace SLoRA.Core.Tests.Formats.Peft;

/// <summary>Every field of PEFT's configuration is decided upon, and docs/adapters.md says how.</summary>
internal sealed class PeftOptionsTests
{
    /// <summary>The fields of its LoraConfig that PEFT 0.21 does not write.</summary>
    private static readonly string[] NotWritten = ["runtime_config"];

    /// <summary>The fields of PEFT 0.21: as it writes them, and those that it does not.</summary>
    private static IEnumerable<string> Fields()
    {
        string file = RepositoryFolder.Fixture("core-llama-gqa", "adapters", "later-dora", "adapter_config.json");
        using JsonDocument config = JsonDocument.Parse(File.ReadAllBytes(file));
        return [.. config.RootElement.EnumerateObject().Select(member => member.Name), .. NotWritten];
    }

    [Test]
    public void Every_field_is_known() => Assert.That(Fields().Where(field => !PeftOptions.IsKnown(field)), Is.Empty);

    [Test]
    public void No_option_is_in_two_lists() => Assert.That(
        PeftOptions.Read.Concat(PeftOptions.WithoutEffect).Concat(PeftOptions.Refused.Keys), Is.Unique);

    [Test]
    public void The_page_has_a_row_for_every_field_that_says_what_the_code_does()
    {
        Dictionary<string, string> rows = File.ReadLines(Path.Combine(RepositoryFolder.Path, "docs", "adapters.md"))
            .SkipWhile(line => line != "### Every field").Skip(1).TakeWhile(line => !line.StartsWith('#'))
            .Select(line => line.Split('|', StringSplitOptions.TrimEntries))
            .Where(cells => cells.Length > 3 && cells[1].StartsWith('`') && Fields().Contains(cells[1].Trim('`')))
            .ToDictionary(cells => cells[1].Trim('`'), cells => cells[2].Split([':', ' '], 2)[0]);

        Assert.That(rows.Keys, Is.EquivalentTo(Fields()));
        Assert.Multiple(() =>
        {
            foreach ((string field, string fate) in rows)
            {
                string[] fates = PeftOptions.Read.Contains(field) ? ["applied", "checked"]
                    : PeftOptions.WithoutEffect.Contains(field) ? ["ignored"] : ["refused"];
                Assert.That(fate, Is.AnyOf(fates), field);
            }
        });
    }
}
