using System.Net;
using System.Text.Json.Nodes;
using SLoRA.Text;

namespace SLoRA.AspNetCore.Tests.Responses;

public sealed class ResponsesTests
{
    private const string Path = "/v1/responses";

    private Site _site = null!;

    [OneTimeSetUp]
    public async Task Start() => _site = await Site.StartAsync();

    [OneTimeTearDown]
    public async Task Stop() => await _site.DisposeAsync();

    [TestCase("\"When are you open?\"")]
    [TestCase("""[{"role": "user", "content": "When are you open?"}]""")]
    [TestCase("""[{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "When are you open?"}]}]""")]
    public async Task A_response_is_the_engines_own_answer(string input)
    {
        TextAnswer known = await _site.Generator.CompleteAsync(Demo.Request("museum"));
        (HttpStatusCode status, JsonNode answer) = await _site.PostAsync(
            Path, $$"""{"model": "museum", "input": {{input}}, "store": false}""");
        Assert.Multiple(() =>
        {
            Assert.That(status, Is.EqualTo(HttpStatusCode.OK), answer.ToJsonString());
            Assert.That((string?)answer["status"], Is.EqualTo("completed"));
            Assert.That((string?)answer["output"]![0]!["content"]![0]!["text"], Is.EqualTo(known.Text));
            Assert.That((int?)answer["usage"]!["output_tokens"], Is.EqualTo(known.Usage.GeneratedTokens));
        });
    }

    [Test]
    public async Task Instructions_stand_before_the_input()
    {
        TextAnswer known = await _site.Generator.CompleteAsync(Demo.Request(null) with
        {
            Messages = [new TemplateMessage("system", "Be brief."), new TemplateMessage("user", Demo.Hours)],
        });
        (_, JsonNode answer) = await _site.PostAsync(
            Path, $$"""{"model": "model", "instructions": "Be brief.", "input": "{{Demo.Hours}}", "max_output_tokens": 64}""");
        Assert.Multiple(() =>
        {
            Assert.That((int?)answer["usage"]!["input_tokens"], Is.EqualTo(known.Usage.PromptTokens));
            Assert.That((string?)answer["output"]![0]!["content"]![0]!["text"], Is.EqualTo(known.Text));
        });
    }

    [Test]
    public async Task Events_tell_the_same_in_their_order()
    {
        TextAnswer known = await _site.Generator.CompleteAsync(Demo.Request("museum"));
        List<string> data = await _site.EventsAsync(
            Path, $$"""{"model": "museum", "input": "{{Demo.Hours}}", "stream": true, "include": ["message.output_text.logprobs"]}""");
        JsonNode[] events = [.. data.Select(one => JsonNode.Parse(one)!)];
        string[] types = [.. events.Select(one => (string)one["type"]!)];
        string[] deltas = [.. events
            .Where(one => (string?)one["type"] == "response.output_text.delta")
            .Select(one => (string)one["delta"]!)];
        Assert.Multiple(() =>
        {
            Assert.That(events.Select(one => (int)one["sequence_number"]!), Is.EqualTo(Enumerable.Range(0, events.Length)));
            Assert.That(
                types.Distinct(),
                Is.EqualTo(
                [
                    "response.created", "response.in_progress", "response.output_item.added", "response.content_part.added",
                    "response.output_text.delta", "response.output_text.done", "response.content_part.done", "response.output_item.done",
                    "response.completed",
                ]));
            Assert.That(string.Concat(deltas), Is.EqualTo(known.Text));
            Assert.That((string?)events[^1]["response"]!["output"]![0]!["content"]![0]!["text"], Is.EqualTo(known.Text));
            Assert.That(
                events[^1]["response"]!["output"]![0]!["content"]![0]!["logprobs"]!.AsArray(),
                Has.Count.EqualTo(known.Usage.GeneratedTokens));
        });
    }

    [Test]
    public async Task A_limit_of_tokens_leaves_a_response_incomplete()
    {
        (_, JsonNode answer) = await _site.PostAsync(Path, """{"model": "museum", "input": "Hi", "max_output_tokens": 2}""");
        Assert.Multiple(() =>
        {
            Assert.That((string?)answer["status"], Is.EqualTo("incomplete"));
            Assert.That((string?)answer["incomplete_details"]!["reason"], Is.EqualTo("max_output_tokens"));
        });
    }

    [TestCase("previous_response_id", "\"resp_1\"")]
    [TestCase("conversation", "\"conv_1\"")]
    [TestCase("background", "true")]
    [TestCase("truncation", "\"auto\"")]
    [TestCase("text", """{"format": {"type": "json_object"}}""")]
    [TestCase("tools", """[{"type": "web_search"}]""")]
    [TestCase("include", """["file_search_call.results"]""")]
    [TestCase("n", "2")]
    [TestCase("max_tokens", "2")]
    public async Task What_needs_a_memory_or_another_service_is_refused_by_name(string member, string value)
    {
        (HttpStatusCode status, JsonNode body) = await _site.PostAsync(
            Path, $$"""{"model": "museum", "input": "Hi", "{{member}}": {{value}}}""");
        Assert.Multiple(() =>
        {
            Assert.That(status, Is.EqualTo(HttpStatusCode.BadRequest));
            Assert.That((string?)body["error"]!["param"], Is.EqualTo(member));
        });
    }

    [TestCase("7")]
    [TestCase("[]")]
    [TestCase("[7]")]
    [TestCase("""[{"type": "item_reference", "id": "x"}]""")]
    [TestCase("""[{"type": "function_call", "name": "f"}]""")]
    public async Task An_input_that_is_none_is_refused(string input)
    {
        (HttpStatusCode status, JsonNode body) = await _site.PostAsync(Path, $$"""{"model": "museum", "input": {{input}}}""");
        Assert.That(status, Is.EqualTo(HttpStatusCode.BadRequest), body.ToJsonString());
    }
}
