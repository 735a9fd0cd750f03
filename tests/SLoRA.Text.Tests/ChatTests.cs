using System.Text.Json;
using System.Text.Json.Nodes;

namespace SLoRA.Text.Tests;

/// <summary>Conversations through a tokenizer's own chat templates.</summary>
public sealed class ChatTests
{
    private static readonly Lazy<ModelTokenizer> Demo = new(() => ModelTokenizer.Load(Path.Combine(RepositoryFolder.Demo, "model")));

    private static readonly TemplateMessage[] Question = [new("user", "Hi?")];

    public static IEnumerable<TestCaseData> Cases()
    {
        using JsonDocument expected = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(RepositoryFolder.Demo, "expected.json")));
        foreach (JsonElement item in expected.RootElement.GetProperty("cases").EnumerateArray())
        {
            yield return new TestCaseData(
                item.GetProperty("messages").GetRawText(),
                item.GetProperty("prompt_text").GetString(),
                item.GetProperty("prompt").Deserialize<int[]>()).SetArgDisplayNames(item.GetProperty("name").GetString()!);
        }
    }

    [TestCaseSource(nameof(Cases))]
    public void The_demo_conversations_give_the_expected_prompt(string messages, string promptText, int[] prompt)
    {
        TemplateMessage[] typed = [.. JsonNode.Parse(messages)!.AsArray().Select(m => TemplateMessage.FromJson(m!))];
        Assert.Multiple(() =>
        {
            Assert.That(Demo.Value.RenderChat(typed), Is.EqualTo(promptText));
            Assert.That(Demo.Value.RenderChatJson(JsonNode.Parse(messages)!), Is.EqualTo(promptText));
            Assert.That(Demo.Value.EncodeChat(typed), Is.EqualTo(prompt));
            Assert.That(Demo.Value.EncodeChatJson(JsonNode.Parse(messages)!), Is.EqualTo(prompt));
        });
    }

    [Test]
    public void A_tokenizer_without_a_template_refuses_chat_unless_the_host_passes_one()
    {
        byte[] json = File.ReadAllBytes(Path.Combine(RepositoryFolder.Demo, "model", "tokenizer.json"));
        ModelTokenizer bare = ModelTokenizer.FromJson(json);
        ChatTemplateException refused = Assert.Throws<ChatTemplateException>(() => bare.RenderChat(Question))!;
        Assert.That(refused.Code, Is.EqualTo("template.missing"));
        Assert.That(refused.Message, Does.Contain("chat_template"));
        var options = new ChatRenderOptions { Template = ChatTemplate.Parse("{{ messages[0].content }}{{ add_generation_prompt }}") };
        Assert.That(bare.RenderChat(Question, options), Is.EqualTo("Hi?True"));
    }

    [Test]
    public void A_name_selects_the_template_and_tools_select_tool_use()
    {
        ModelTokenizer tokenizer = WithTemplates(
            """[{"name":"default","template":"D{{ bos_token }}"},{"name":"tool_use","template":"T"},{"name":"rag","template":"R"}]""");
        Assert.Multiple(() =>
        {
            Assert.That(tokenizer.ChatTemplateNames, Is.EquivalentTo((string[])["default", "tool_use", "rag"]));
            Assert.That(tokenizer.RenderChat(Question), Is.EqualTo("D<s>"));
            Assert.That(tokenizer.RenderChat(Question, new() { Tools = new JsonArray() }), Is.EqualTo("T"));
            Assert.That(tokenizer.RenderChat(Question, new() { TemplateName = "rag", Tools = new JsonArray() }), Is.EqualTo("R"));
            Assert.That(tokenizer.RenderChat(Question, new() { Variables = new Dictionary<string, JsonNode?> { ["bos_token"] = "!" } }),
                Is.EqualTo("D!"));
            ChatTemplateException refused =
                Assert.Throws<ChatTemplateException>(() => tokenizer.RenderChat(Question, new() { TemplateName = "none" }))!;
            Assert.That(refused.Message, Does.Contain("'none'").And.Contain("'rag'"));
        });
    }

    [Test]
    public void Without_a_template_named_tool_use_tools_go_to_the_default_one()
    {
        ModelTokenizer tokenizer = WithTemplates("\"{{ tools|length }}\"");
        Assert.That(tokenizer.RenderChat(Question, new() { Tools = new JsonArray(1, 2) }), Is.EqualTo("2"));
    }

    [Test]
    public void A_broken_template_is_an_error_of_chat_and_not_of_loading()
    {
        ModelTokenizer tokenizer = WithTemplates("\"{% if %}\"");
        ChatTemplateException refused = Assert.Throws<ChatTemplateException>(() => tokenizer.RenderChat(Question))!;
        Assert.That(refused.Code, Is.EqualTo("template.syntax"));
        Assert.That(refused.Line, Is.EqualTo(1));
    }

    private static ModelTokenizer WithTemplates(string templates)
    {
        string folder = Path.Combine(TestContext.CurrentContext.WorkDirectory, "chat-" + Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(folder);
        try
        {
            File.Copy(Path.Combine(RepositoryFolder.Demo, "model", "tokenizer.json"), Path.Combine(folder, "tokenizer.json"));
            File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), $$"""{"bos_token":"<s>","chat_template":{{templates}}}""");
            return ModelTokenizer.Load(folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
