using System.Text.Json.Nodes;
using SLoRA.Text;

namespace SLoRA.AspNetCore.Tests.Chat;

/// <summary>Thoughts of a model whose template knows them: apart from the text, in every endpoint that has conversations.</summary>
public sealed class ReasoningTests
{
    private const string Thoughts = "They open at nine.";
    private const string Words = "At nine.";

    private string _folder = null!;
    private ScriptedEngine _engine = null!;
    private Site _site = null!;

    [OneTimeSetUp]
    public async Task Start()
    {
        // The demo's tokenizer with another template.
        _folder = Directory.CreateTempSubdirectory("slora-thoughts-").FullName;
        File.Copy(Path.Combine(Demo.Model, "tokenizer.json"), Path.Combine(_folder, "tokenizer.json"));
        JsonNode settings = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(Demo.Model, "tokenizer_config.json")))!;
        settings["chat_template"] = "{%- for tool in tools or [] %}{{ (tool | tojson) + '\\n' }}{% endfor %}"
            + await File.ReadAllTextAsync(RepositoryFolder.PathOf("tests", "fixtures", "tool-templates", "hermes.jinja"));
        await File.WriteAllTextAsync(Path.Combine(_folder, "tokenizer_config.json"), settings.ToJsonString());
        ModelTokenizer tokenizer = ModelTokenizer.Load(_folder);
        _site = await Site.StartAsync(map: (app, generator) =>
        {
            _engine = new ScriptedEngine(
                generator.Engine, request => tokenizer.Encode(
                    tokenizer.Decode(request.Prompt.Span).Contains("no thoughts", StringComparison.Ordinal)
                        ? Words : $"<think>\n{Thoughts}\n</think>\n\n{Words}",
                    addSpecialTokens: false));
            app.MapSLoRA(new TextGenerator(_engine, tokenizer));
        });
    }

    [OneTimeTearDown]
    public async Task Stop()
    {
        await _site.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Test]
    public async Task A_message_has_them_beside_its_content()
    {
        (_, JsonNode answer) = await _site.PostAsync("/v1/chat/completions", Chat(streams: false));
        JsonNode message = answer["choices"]![0]!["message"]!;
        Assert.That((string?)message["reasoning_content"], Is.EqualTo(Thoughts));
        Assert.That((string?)message["content"], Is.EqualTo(Words));
    }

    [Test]
    public async Task A_stream_has_them_first()
    {
        List<string> events = await _site.EventsAsync("/v1/chat/completions", Chat(streams: true));
        JsonNode[] deltas = [.. events.SkipLast(1).Select(data => JsonNode.Parse(data)!["choices"]![0]!["delta"]!)];
        int lastThought = Array.FindLastIndex(deltas, delta => delta["reasoning_content"] is not null);
        int firstWord = Array.FindIndex(deltas, delta => (string?)delta["content"] is { Length: > 0 });
        Assert.Multiple(() =>
        {
            Assert.That(string.Concat(deltas.Select(delta => (string?)delta["reasoning_content"])), Is.EqualTo(Thoughts));
            Assert.That(string.Concat(deltas.Select(delta => (string?)delta["content"])), Is.EqualTo(Words));
            Assert.That(lastThought, Is.LessThan(firstWord));
        });
    }

    [Test]
    public async Task A_response_has_them_as_an_item_that_goes_back_into_the_template()
    {
        (_, JsonNode answer) = await _site.PostAsync("/v1/responses", """{"model": "bakery", "input": "When?"}""");
        JsonArray items = answer["output"]!.AsArray();
        Assert.That(items.Select(item => (string?)item!["type"]), Is.EqualTo(["reasoning", "message"]));
        Assert.That((string?)items[0]!["content"]![0]!["text"], Is.EqualTo(Thoughts));
        Assert.That((string?)items[1]!["content"]![0]!["text"], Is.EqualTo(Words));

        var next = new JsonObject
        {
            ["model"] = "bakery",
            ["input"] = new JsonArray(
                new JsonObject { ["role"] = "user", ["content"] = "When?" },
                items[0]!.DeepClone(), items[1]!.DeepClone(),
                new JsonObject { ["role"] = "user", ["content"] = "Sure?" }),
        };
        await _site.PostAsync("/v1/responses", next.ToJsonString());
        Assert.That(
            Demo.Tokenizer.Decode(_engine.Asked!.Prompt.Span),
            Does.Contain($"<|im_start|>assistant\n<think>\n{Thoughts}\n</think>\n\n{Words}<|im_end|>\n"));
    }

    [Test]
    public async Task A_template_that_knows_tools_is_given_them()
    {
        JsonObject asked = JsonNode.Parse(Chat(streams: false))!.AsObject();
        asked["tools"] = JsonNode.Parse("""[{"type": "function", "function": {"name": "hours"}}]""");
        await _site.PostAsync("/v1/chat/completions", asked.ToJsonString());
        Assert.That(
            Demo.Tokenizer.Decode(_engine.Asked!.Prompt.Span),
            Does.Contain("Write <tool_call>").And.Not.Contain("You can call these functions"));
    }

    [Test]
    public async Task A_response_does_not_say_that_thoughts_took_no_tokens()
    {
        (_, JsonNode with) = await _site.PostAsync("/v1/responses", """{"model": "bakery", "input": "When?"}""");
        (_, JsonNode without) = await _site.PostAsync("/v1/responses", """{"model": "bakery", "input": "When? no thoughts"}""");
        Assert.That(with["usage"]!.AsObject().ContainsKey("output_tokens_details"), Is.False);
        Assert.That((int?)without["usage"]!["output_tokens_details"]!["reasoning_tokens"], Is.Zero);
    }

    private static string Chat(bool streams) => new JsonObject
    {
        ["model"] = "bakery",
        ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = "When?" }),
        ["stream"] = streams,
    }.ToJsonString();
}
