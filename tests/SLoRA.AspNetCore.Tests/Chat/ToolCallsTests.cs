using System.Text.Json.Nodes;
using SLoRA.Text;

namespace SLoRA.AspNetCore.Tests.Chat;

public sealed class ToolCallsTests
{
    private const string Call = """{"name": "get_weather", "arguments": {"city": "Bergen"}}""";

    private const string Tools = """
        "tools": [{"type": "function", "function": {"name": "get_weather", "description": "Tells the weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}]
        """;

    private ScriptedEngine _engine = null!;
    private Site _site = null!;

    [OneTimeSetUp]
    public async Task Start() => _site = await Site.StartAsync(map: (app, generator) =>
    {
        _engine = new ScriptedEngine(generator.Engine, Demo.Tokenizer.Encode(Call, addSpecialTokens: false));
        app.MapSLoRA(new TextGenerator(_engine, Demo.Tokenizer));
    });

    [OneTimeTearDown]
    public async Task Stop() => await _site.DisposeAsync();

    [Test]
    public async Task A_call_comes_out_as_a_call_with_its_finish_reason()
    {
        (_, JsonNode answer) = await _site.PostAsync("/v1/chat/completions", Body(Tools));
        JsonNode choice = answer["choices"]![0]!;
        JsonNode call = choice["message"]!["tool_calls"]![0]!;
        Assert.Multiple(() =>
        {
            Assert.That((string?)choice["finish_reason"], Is.EqualTo("tool_calls"));
            Assert.That(choice["message"]!.AsObject().ContainsKey("content"), Is.True);
            Assert.That(choice["message"]!["content"], Is.Null);
            Assert.That((string?)call["type"], Is.EqualTo("function"));
            Assert.That((string?)call["id"], Is.Not.Empty);
            Assert.That((string?)call["function"]!["name"], Is.EqualTo("get_weather"));
            Assert.That((string?)JsonNode.Parse((string)call["function"]!["arguments"]!)!["city"], Is.EqualTo("Bergen"));
        });
    }

    [Test]
    public async Task A_stream_has_the_call_in_a_delta_with_its_index()
    {
        List<string> events = await _site.EventsAsync("/v1/chat/completions", Body(Tools + """, "stream": true"""));
        JsonNode[] choices = [.. events.SkipLast(1).Select(data => JsonNode.Parse(data)!["choices"]![0]!)];
        JsonNode[] calls = [.. choices.Select(choice => choice["delta"]!["tool_calls"]).OfType<JsonNode>()];
        Assert.Multiple(() =>
        {
            Assert.That(calls, Has.Length.EqualTo(1));
            Assert.That((int?)calls[0][0]!["index"], Is.Zero);
            Assert.That((string?)choices[^1]["finish_reason"], Is.EqualTo("tool_calls"));
            Assert.That(string.Concat(choices.Select(choice => (string?)choice["delta"]!["content"])), Is.Empty);
        });
    }

    [TestCase("")]
    [TestCase(""", "tool_choice": "none" """)]
    public async Task Without_tools_or_with_none_to_be_called_it_is_text(string choice)
    {
        (_, JsonNode answer) = await _site.PostAsync(
            "/v1/chat/completions", Body(choice.Length == 0 ? "\"seed\": 1" : Tools + choice));
        Assert.Multiple(() =>
        {
            Assert.That((string?)answer["choices"]![0]!["message"]!["content"], Is.EqualTo(Call));
            Assert.That((string?)answer["choices"]![0]!["finish_reason"], Is.EqualTo("stop"));
        });
    }

    [Test]
    public async Task A_response_has_the_call_as_an_item_that_can_be_sent_back()
    {
        const string ResponseTools = """
            "tools": [{"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}}]
            """;
        (_, JsonNode answer) = await _site.PostAsync(
            "/v1/responses", """{"model": "bakery", "input": "How is the weather?", """ + ResponseTools + "}");
        JsonNode item = answer["output"]![0]!;
        Assert.That((string?)item["type"], Is.EqualTo("function_call"));
        Assert.That((string?)item["name"], Is.EqualTo("get_weather"));

        var next = new JsonObject
        {
            ["model"] = "bakery",
            ["input"] = new JsonArray(
                new JsonObject { ["role"] = "user", ["content"] = "How is the weather?" },
                item.DeepClone(),
                new JsonObject { ["type"] = "function_call_output", ["call_id"] = (string?)item["call_id"], ["output"] = "Rain." }),
        };
        (System.Net.HttpStatusCode status, _) = await _site.PostAsync("/v1/responses", next.ToJsonString());
        Assert.That(status, Is.EqualTo(System.Net.HttpStatusCode.OK));
        Assert.That(Demo.Tokenizer.Decode(_engine.Asked!.Prompt.Span), Does.Contain(
            "<|im_start|>assistant\n[{\"name\":\"get_weather\",\"arguments\":{\"city\":\"Bergen\"}}]<|im_end|>\n"
            + "<|im_start|>user\nResult of get_weather: Rain.<|im_end|>\n"));
    }

    [TestCase("")]
    [TestCase("""{"role": "system", "content": "Be kind."},""")]
    public async Task A_template_that_knows_no_tools_has_them_told_in_words(string system)
    {
        // The demo model's own template shows neither tools nor calls.
        await _site.PostAsync("/v1/chat/completions", Body(Tools).Replace("[{\"role\"", $"[{system}{{\"role\"", StringComparison.Ordinal));
        string prompt = Demo.Tokenizer.Decode(_engine.Asked!.Prompt.Span);
        Assert.Multiple(() =>
        {
            Assert.That(prompt, Does.StartWith("<|im_start|>system\nYou can call these functions:\n{\"name\":\"get_weather\""));
            Assert.That(prompt, Does.Contain((system.Length > 0 ? "\n\nBe kind." : "answer in words.") + "<|im_end|>\n<|im_start|>user\n"));
        });
    }

    [TestCase("{")]
    [TestCase("[1]")]
    public async Task Arguments_that_are_no_object_are_refused_when_they_come_back(string arguments)
    {
        var body = new JsonObject
        {
            ["model"] = "bakery",
            ["messages"] = new JsonArray(
                new JsonObject { ["role"] = "user", ["content"] = "?" },
                new JsonObject
                {
                    ["role"] = "assistant",
                    ["tool_calls"] = new JsonArray(new JsonObject
                    {
                        ["id"] = "a",
                        ["type"] = "function",
                        ["function"] = new JsonObject { ["name"] = "f", ["arguments"] = arguments },
                    }),
                }),
        };
        (System.Net.HttpStatusCode status, JsonNode error) = await _site.PostAsync("/v1/chat/completions", body.ToJsonString());
        Assert.That(status, Is.EqualTo(System.Net.HttpStatusCode.BadRequest), error.ToJsonString());
    }

    private static string Body(string more) =>
        $$"""{"model": "bakery", "messages": [{"role": "user", "content": "How is the weather?"}], {{more}}}""";
}
