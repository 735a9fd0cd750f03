using System.Text.Json.Nodes;
using SLoRA.Text;

namespace SLoRA.AspNetCore.Tests.Clients;

/// <summary>What clients of other languages make of the endpoints: the packages <c>openai</c> and <c>ai</c> of npm, as they are.</summary>
[Category("Long")]
public sealed class NodeClientTests
{
    private const string Call = """{"name": "get_weather", "arguments": {"city": "Bergen"}}""";
    private const string CallsAnswer = "It rains.";

    private NodeFolder _node = null!;
    private Site _site = null!;

    [OneTimeSetUp]
    public async Task Start()
    {
        _node = await NodeFolder.InstallAsync("openai@6", "ai@6", "@ai-sdk/openai-compatible@2");
        _site = await Site.StartAsync(map: (app, generator) =>
        {
            app.MapSLoRA(generator);
            var calling = new ScriptedEngine(generator.Engine, CallOnce);
            app.MapGroup("/tools").MapSLoRA(new TextGenerator(calling, Demo.Tokenizer));
        });
    }

    [OneTimeTearDown]
    public async Task Stop()
    {
        _node?.Dispose();
        await (_site?.DisposeAsync() ?? ValueTask.CompletedTask);
    }

    [Test]
    public async Task The_package_of_openai_reads_all_that_is_answered()
    {
        JsonNode read = JsonNode.Parse(await _node.RunAsync("openai.mjs", _site.Address.ToString()))!;
        TextAnswer bakery = await _site.Generator.CompleteAsync(Demo.Request("bakery"));
        TextAnswer hotel = await _site.Generator.CompleteAsync(Demo.Request("hotel"));
        TextAnswer museum = await _site.Generator.CompleteAsync(Demo.Request("museum"));
        string beforeAnchor = hotel.Text[..hotel.Text.IndexOf("anchor", StringComparison.Ordinal)];
        Assert.Multiple(() =>
        {
            Assert.That(read["models"]!.AsArray().Select(model => (string?)model), Is.EqualTo(Demo.Tenants.Prepend("model")));
            Assert.That((string?)read["whole"]!["text"], Is.EqualTo(bakery.Text));
            Assert.That((string?)read["whole"]!["finish"], Is.EqualTo("stop"));
            Assert.That((int?)read["whole"]!["logprobs"], Is.EqualTo(bakery.Usage.GeneratedTokens));
            Assert.That((int?)read["whole"]!["usage"]!["prompt_tokens"], Is.EqualTo(bakery.Usage.PromptTokens));
            Assert.That((int?)read["whole"]!["usage"]!["completion_tokens"], Is.EqualTo(bakery.Usage.GeneratedTokens));
            Assert.That(read["two"]!.AsArray().Select(text => (string?)text), Is.EqualTo([beforeAnchor, beforeAnchor]));
            Assert.That((string?)read["stream"]!["text"], Is.EqualTo(hotel.Text));
            Assert.That((string?)read["stream"]!["finish"], Is.EqualTo("stop"));
            Assert.That((int?)read["stream"]!["usage"]!["completion_tokens"], Is.EqualTo(hotel.Usage.GeneratedTokens));
            Assert.That((string?)read["response"]!["text"], Is.EqualTo(museum.Text));
            Assert.That((string?)read["response"]!["streamed"], Is.EqualTo(museum.Text));
            Assert.That((string?)read["response"]!["last"], Is.EqualTo("response.completed"));
            Assert.That((int?)read["response"]!["usage"]!["output_tokens"], Is.EqualTo(museum.Usage.GeneratedTokens));
            Assert.That((string?)read["completion"]!["finish"], Is.EqualTo("length"));
            Assert.That((int?)read["completion"]!["usage"]!["completion_tokens"], Is.EqualTo(4));
        });
        AssertTools(read["tools"]!);
        AssertRefusal(read["refusals"]!["unknown"]!, 404, "model_not_found", "model");
        AssertRefusal(read["refusals"]!["unknownStreaming"]!, 404, "model_not_found", "model");
        AssertRefusal(read["refusals"]!["format"]!, 400, "unsupported_parameter", "response_format");
        AssertRefusal(read["refusals"]!["many"]!, 400, "invalid_value", "n");
        await _site.IdleAsync();
    }

    [Test]
    public async Task The_package_ai_reads_all_that_is_answered()
    {
        JsonNode read = JsonNode.Parse(await _node.RunAsync("ai-sdk.mjs", _site.Address.ToString()))!;
        TextAnswer bakery = await _site.Generator.CompleteAsync(Demo.Request("bakery"));
        TextAnswer hotel = await _site.Generator.CompleteAsync(Demo.Request("hotel"));
        Assert.Multiple(() =>
        {
            Assert.That((string?)read["whole"]!["text"], Is.EqualTo(bakery.Text));
            Assert.That((string?)read["whole"]!["finish"], Is.EqualTo("stop"));
            Assert.That((int?)read["whole"]!["usage"]!["inputTokens"], Is.EqualTo(bakery.Usage.PromptTokens));
            Assert.That((int?)read["whole"]!["usage"]!["outputTokens"], Is.EqualTo(bakery.Usage.GeneratedTokens));
            Assert.That((string?)read["stream"]!["text"], Is.EqualTo(hotel.Text));
            Assert.That((string?)read["stream"]!["finish"], Is.EqualTo("stop"));
            Assert.That((int?)read["stream"]!["usage"]!["outputTokens"], Is.EqualTo(hotel.Usage.GeneratedTokens));
            Assert.That((int?)read["tools"]!["steps"], Is.EqualTo(2));
            Assert.That((int?)read["refusal"]!["status"], Is.EqualTo(404));
            Assert.That((string?)read["refusal"]!["message"], Does.Contain("'nobody'"));
            Assert.That((int?)read["streamRefusal"], Is.EqualTo(404));
        });
        AssertTools(read["tools"]!);
    }

    // The model calls, and when the result is there it answers.
    private static int[] CallOnce(GenerationRequest request) => Demo.Tokenizer.Encode(
        Demo.Tokenizer.Decode(request.Prompt.Span).Contains("Result of get_weather: Rain.", StringComparison.Ordinal) ? CallsAnswer : Call,
        addSpecialTokens: false);

    private static void AssertTools(JsonNode tools) => Assert.Multiple(() =>
    {
        Assert.That((string?)tools["called"], Is.EqualTo(CallsAnswer));
        Assert.That((string?)tools["calledStreaming"], Is.EqualTo(CallsAnswer));
        Assert.That(tools["asked"]!.AsArray().Select(city => (string?)city), Is.EqualTo(["Bergen", "Bergen"]));
    });

    private static void AssertRefusal(JsonNode refusal, int status, string code, string parameter) => Assert.Multiple(() =>
    {
        Assert.That((int?)refusal["status"], Is.EqualTo(status));
        Assert.That((string?)refusal["code"], Is.EqualTo(code));
        Assert.That((string?)refusal["param"], Is.EqualTo(parameter));
        Assert.That((string?)refusal["type"], Is.EqualTo("invalid_request_error"));
    });
}
