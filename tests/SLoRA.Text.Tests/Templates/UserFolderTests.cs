using System.Collections.Concurrent;
using System.Text.Json.Nodes;

namespace SLoRA.Text.Tests.Templates;

/// <summary>
/// The folders of real models as a user has them: loaded whole, and every conversation and tool call rendered through the tokenizer, with
/// its own template and its own special tokens.
/// </summary>
public sealed class UserFolderTests
{
    private static readonly ConcurrentDictionary<string, Lazy<ModelTokenizer>> Tokenizers = new();

    public static IEnumerable<TestCaseData> Cases() =>
        TemplateFixture.All().Where(f => f.TokenizerFolder() is not null).Select(f => new TestCaseData(f).SetArgDisplayNames(f.Name));

    [TestCaseSource(nameof(Cases))]
    public void A_folder_renders_a_conversation_as_the_reference_does(TemplateFixture fixture)
    {
        ModelTokenizer tokenizer =
            Tokenizers.GetOrAdd(fixture.TokenizerFolder()!, key => new Lazy<ModelTokenizer>(() => ModelTokenizer.Load(key))).Value;
        JsonNode messages = JsonNode.Parse(fixture.Case.GetProperty("messages").GetRawText())!;
        if (fixture.Case.TryGetProperty("error", out _))
        {
            Assert.That(() => tokenizer.RenderChatJson(messages, fixture.Options()), Throws.TypeOf<ChatTemplateException>());
            return;
        }

        string expected = fixture.Case.GetProperty("expected").GetString()!;
        Assert.That(tokenizer.RenderChatJson(messages, fixture.Options()), Is.EqualTo(expected));
        int[] ids = tokenizer.Encode(expected, addSpecialTokens: false);
        Assert.That(tokenizer.EncodeChatJson(messages, fixture.Options()), Is.EqualTo(ids));
        int[] asText = tokenizer.EncodeChatJson(messages, fixture.Options() with { ContentAsText = true });
        if (!asText.SequenceEqual(ids))
        {
            // Only where the conversation itself spells a special token.
            string said = ChatTemplate.Parse("{{ messages }}{{ tools }}")
                .Render(new ChatTemplateInputs(messages) { Tools = fixture.Options().Tools });
            Assert.That(ids.Where(tokenizer.IsSpecial).Any(id => said.Contains(tokenizer.IdToToken(id)!, StringComparison.Ordinal)));
        }
    }
}
