using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace SLoRA.AspNetCore.Tests.Errors;

public sealed class RefusalTests
{
    private const string Path = "/v1/chat/completions";
    private const string Start = """{"model": "bakery", "messages": [{"role": "user", "content": "Hi"}]""";

    private Site _site = null!;

    [OneTimeSetUp]
    public async Task StartSite() => _site = await Site.StartAsync(
        new SLoraHttpOptions { MaxBodyBytes = 4096, MaxPromptTokens = 40, MaxChoices = 2, MaxCompletionTokens = 50 });

    [OneTimeTearDown]
    public async Task StopSite() => await _site.DisposeAsync();

    [TestCase("response_format", """{"type": "json_object"}""")]
    [TestCase("response_format", """{"type": "json_schema", "json_schema": {}}""")]
    [TestCase("tool_choice", "\"required\"")]
    [TestCase("functions", "[]")]
    [TestCase("audio", "{}")]
    [TestCase("modalities", """["audio"]""")]
    [TestCase("guided_json", "{}")]
    [TestCase("chat_template", "\"x\"")]
    [TestCase("temprature", "1")]
    [TestCase("n", "3")]
    [TestCase("n", "0")]
    [TestCase("max_tokens", "51")]
    [TestCase("max_tokens", "0")]
    [TestCase("max_completion_tokens", "51")]
    [TestCase("temperature", "-1")]
    [TestCase("temperature", "\"warm\"")]
    [TestCase("top_p", "1.5")]
    [TestCase("top_logprobs", "2")]
    [TestCase("logit_bias", """{"x": 1}""")]
    [TestCase("logit_bias", """{"999999": 1}""")]
    [TestCase("stop", "7")]
    [TestCase("stop", "[\"\"]")]
    [TestCase("tools", """[{"type": "web_search"}]""")]
    [TestCase("stream", "\"yes\"")]
    [TestCase("reasoning_effort", "\"extreme\"")]
    public async Task What_cannot_be_served_is_refused_by_name(string member, string value)
    {
        (HttpStatusCode status, JsonNode body) = await _site.PostAsync(Path, $"{Start}, \"{member}\": {value}}}");
        Assert.Multiple(() =>
        {
            Assert.That(status, Is.EqualTo(HttpStatusCode.BadRequest));
            Assert.That((string?)body["error"]!["param"], Is.EqualTo(member));
            Assert.That((string?)body["error"]!["type"], Is.EqualTo("invalid_request_error"));
            Assert.That((string?)body["error"]!["message"], Is.Not.Empty);
            Assert.That((string?)body["error"]!["code"], Is.Not.Empty);
        });
    }

    [TestCase("user", "\"me\"")]
    [TestCase("metadata", "{\"a\": \"b\"}")]
    [TestCase("store", "true")]
    [TestCase("service_tier", "\"auto\"")]
    [TestCase("response_format", """{"type": "text"}""")]
    [TestCase("response_format", "null")]
    [TestCase("modalities", """["text"]""")]
    [TestCase("functions", "null")]
    [TestCase("tools", "[]")]
    [TestCase("tool_choice", "\"auto\"")]
    [TestCase("top_p", "0")]
    [TestCase("top_k", "-1")]
    [TestCase("stop", "null")]
    public async Task What_changes_nothing_is_taken(string member, string value)
    {
        (HttpStatusCode status, _) = await _site.PostAsync(Path, $"{Start}, \"max_tokens\": 1, \"{member}\": {value}}}");
        Assert.That(status, Is.EqualTo(HttpStatusCode.OK));
    }

    [TestCase("")]
    [TestCase("{")]
    [TestCase("[]")]
    [TestCase("null")]
    [TestCase("\"text\"")]
    [TestCase("{\"model\": \"bakery\"}")]
    [TestCase("{\"model\": \"bakery\", \"messages\": []}")]
    [TestCase("{\"model\": \"bakery\", \"messages\": [7]}")]
    [TestCase("{\"model\": \"bakery\", \"messages\": [{\"role\": \"oracle\", \"content\": \"x\"}]}")]
    [TestCase("{\"model\": \"bakery\", \"messages\": [{\"role\": \"user\"}]}")]
    [TestCase("{\"model\": \"bakery\", \"messages\": [{\"role\": \"user\", \"content\": \"\\ud800\"}]}")]
    [TestCase("{\"model\": \"bakery\", \"model\": \"hotel\", \"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}")]
    [TestCase("{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}")]
    public async Task A_body_that_is_none_is_refused(string body)
    {
        (HttpStatusCode status, JsonNode answer) = await _site.PostAsync(Path, body);
        Assert.Multiple(() =>
        {
            Assert.That(status, Is.EqualTo(HttpStatusCode.BadRequest), answer.ToJsonString());
            Assert.That((string?)answer["error"]!["type"], Is.EqualTo("invalid_request_error"));
        });
    }

    [Test]
    public async Task Deep_nesting_is_refused()
    {
        (HttpStatusCode status, _) = await _site.PostAsync(Path, $"{Start}, \"tools\": {new string('[', 1000)}{new string(']', 1000)}}}");
        Assert.That(status, Is.EqualTo(HttpStatusCode.BadRequest));
    }

    [Test]
    public async Task An_unknown_model_is_not_found()
    {
        (HttpStatusCode status, JsonNode body) = await _site.PostAsync(Path, Start.Replace("bakery", "nobody") + "}");
        Assert.Multiple(() =>
        {
            Assert.That(status, Is.EqualTo(HttpStatusCode.NotFound));
            Assert.That((string?)body["error"]!["code"], Is.EqualTo("model_not_found"));
            Assert.That((string?)body["error"]!["param"], Is.EqualTo("model"));
        });
    }

    [Test]
    public async Task A_prompt_beyond_the_limit_is_refused()
    {
        string words = string.Concat(Enumerable.Repeat("word ", 60));
        (HttpStatusCode status, JsonNode body) = await _site.PostAsync(Path, Start.Replace("Hi", words) + "}");
        Assert.Multiple(() =>
        {
            Assert.That(status, Is.EqualTo(HttpStatusCode.BadRequest));
            Assert.That((string?)body["error"]!["code"], Is.EqualTo("context_length_exceeded"));
        });
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task A_huge_body_is_refused_whether_it_says_its_length_or_not(bool saysLength)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(Start.Replace("Hi", new string('x', 8192)) + "}");
        using HttpContent content = saysLength ? new ByteArrayContent(bytes) : new StreamContent(new UnmeasuredStream(bytes));
        content.Headers.ContentType = new("application/json");
        using HttpResponseMessage response = await _site.Client.PostAsync(Path, content);
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.RequestEntityTooLarge));
    }

    [Test]
    public async Task A_body_of_another_type_is_refused()
    {
        using var content = new StringContent(Start + "}", Encoding.UTF8, "text/plain");
        using HttpResponseMessage response = await _site.Client.PostAsync(Path, content);
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.UnsupportedMediaType));
    }

    /// <summary>Bytes whose number is not told beforehand.</summary>
    private sealed class UnmeasuredStream(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;
    }
}
