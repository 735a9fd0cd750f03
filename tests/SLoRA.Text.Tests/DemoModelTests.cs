using System.Text.Json;

namespace SLoRA.Text.Tests;

/// <summary>The demo model's tokenizer against what Hugging Face made of the same texts.</summary>
public sealed class DemoModelTests
{
    private static readonly Lazy<ModelTokenizer> Tokenizer =
        new(() => SLoRA.Text.ModelTokenizer.Load(Path.Combine(RepositoryFolder.Demo, "model")));

    public static IEnumerable<TestCaseData> Cases()
    {
        using JsonDocument expected = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(RepositoryFolder.Demo, "expected.json")));
        foreach (JsonElement item in expected.RootElement.GetProperty("cases").EnumerateArray())
        {
            yield return new TestCaseData(
                item.GetProperty("prompt_text").GetString(),
                item.GetProperty("prompt").Deserialize<int[]>(),
                item.GetProperty("greedy").Deserialize<int[]>(),
                item.GetProperty("text").GetString()).SetArgDisplayNames(item.GetProperty("name").GetString()!);
        }
    }

    [TestCaseSource(nameof(Cases))]
    public void The_prompt_encodes_to_the_expected_ids(string promptText, int[] prompt, int[] greedy, string text)
    {
        Assert.That(Tokenizer.Value.Encode(promptText), Is.EqualTo(prompt));
    }

    [TestCaseSource(nameof(Cases))]
    public void The_answer_decodes_to_the_expected_text(string promptText, int[] prompt, int[] greedy, string text)
    {
        Assert.That(Tokenizer.Value.Decode(greedy, skipSpecialTokens: true), Is.EqualTo(text));
    }

    [TestCaseSource(nameof(Cases))]
    public void The_answer_streams_to_the_expected_text(string promptText, int[] prompt, int[] greedy, string text)
    {
        TextStream stream = Tokenizer.Value.CreateStream(prompt);
        var joined = new System.Text.StringBuilder();
        foreach (int id in greedy)
        {
            joined.Append(stream.Append(id));
        }

        joined.Append(stream.Finish());
        Assert.That(joined.ToString(), Is.EqualTo(text));
    }

    [Test]
    public void Special_tokens_are_those_of_the_configuration()
    {
        Assert.Multiple(() =>
        {
            Assert.That(Tokenizer.Value.EosTokenId,
                Is.EqualTo(Tokenizer.Value.TokenToId(Tokenizer.Value.SpecialTokens["eos_token"])));
            Assert.That(Tokenizer.Value.VocabularySize, Is.EqualTo(2048));
            Assert.That(Tokenizer.Value.ChatTemplateTexts, Contains.Key("default"));
            Assert.That(Tokenizer.Value.Warnings, Is.Empty);
            Assert.That(Tokenizer.Value.IdToToken(1), Is.EqualTo("<|im_start|>"));
        });
    }
}
