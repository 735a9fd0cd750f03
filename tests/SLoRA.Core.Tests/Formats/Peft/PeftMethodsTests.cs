using System.Text;
using System.Text.Json;
using NUnit.Framework;
using SLoRA.Formats;
using SLoRA.Formats.Peft;

namespace SLoRA.Core.Tests.Formats.Peft;

/// <summary>Methods other than LoRA are refused by name, with what they are, and docs/adapters.md lists them.</summary>
internal sealed class PeftMethodsTests
{
    /// <summary>PeftType of PEFT 0.21, without LORA, and what older versions had besides.</summary>
    private static readonly string[] Types =
    [
        "PROMPT_TUNING", "MULTITASK_PROMPT_TUNING", "P_TUNING", "PREFIX_TUNING", "ADALORA", "ADAMSS", "BOFT", "ADAPTION_PROMPT", "IA3",
        "BEFT", "LILY", "LOHA", "LOKR", "OFT", "POLY", "LN_TUNING", "VERA", "FROD", "PVERA", "FOURIERFT", "GLORA", "XLORA", "HRA",
        "VBLORA", "UNILORA", "CPT", "MISS", "RANDLORA", "ROAD", "TRAINABLE_TOKENS", "HIRA", "SHIRA", "C3A", "WAVEFT", "OSF", "DELORA",
        "GRALORA", "CARTRIDGE", "TINYLORA", "PSOFT", "PEANUT", "SUPERTUNING", "DEFT", "BONE",
    ];

    [TestCaseSource(nameof(Types))]
    public void A_method_is_refused_by_its_name_and_what_it_is(string method)
    {
        FormatError error = Refusal(method);
        Assert.That((error.Kind, error.Subject), Is.EqualTo((LoadErrorKind.Incompatible, "peft_type")));
        Assert.That(error.Message, Does.Contain($"is {method}, which {PeftMethods.Others[method]}").And.EndsWith("only LORA is served"));
    }

    [TestCase("FROM_THE_FUTURE", "'FROM_THE_FUTURE'")]
    [TestCase("a\nb", "'a\\u000ab'")]
    [TestCase("lora", "'lora'")]
    public void Any_other_name_is_refused_by_itself(string method, string shown) =>
        Assert.That(Refusal(method).Message, Does.EndWith($"is {shown}; only LORA is served"));

    [Test]
    public void The_page_lists_each_with_what_it_is()
    {
        Dictionary<string, string> rows = File.ReadLines(Path.Combine(RepositoryFolder.Path, "docs", "adapters.md"))
            .SkipWhile(line => line != "### Other methods").Skip(1).TakeWhile(line => !line.StartsWith('#'))
            .Select(line => line.Split('|', StringSplitOptions.TrimEntries))
            .Where(cells => cells.Length > 3 && cells[1].StartsWith('`') && cells[1] != "`peft_type`")
            .ToDictionary(cells => cells[1].Trim('`'), cells => cells[2]);
        Assert.That(rows, Is.EquivalentTo(PeftMethods.Others));
        Assert.That(rows.Keys, Is.EquivalentTo(Types));
    }

    private static FormatError Refusal(string method) => Assert.Throws<FormatError>(() => PeftConfigReader.Read(ConfigDocument.Parse(
        Encoding.UTF8.GetBytes($$"""{"peft_type":{{JsonSerializer.Serialize(method)}},"r":4}"""),
        "adapter_config.json")))!;
}
