using System.Net;
using System.Text.Json.Nodes;

namespace SLoRA.AspNetCore.Tests.Errors;

/// <summary>Whatever stands in a member of a body, it is answered or refused, and never a fault of the server's.</summary>
public sealed class HostileMembersTests
{
    private static readonly string[] Values =
    [
        "null", "true", "0", "-1", "1.5", "1e308", "-1e308", "4294967296", "18446744073709551616", "\"\"", "\"x\"",
        "\"\\u0000\"", "\"\\ud800\"", "[]", "[null]", "[[]]", "[1]", "[\"\"]", "[{}]", "{}", "{\"a\": 1}", "{\"type\": \"function\"}",
        "[{\"type\": \"text\"}]",
        "[{\"role\": \"user\"}]", "[{\"role\": \"assistant\", \"tool_calls\": [{}]}]",
        "[{\"type\": \"function\", \"function\": {\"name\": 1}}]",
        "[{\"type\": \"function_call\"}]", "{\"99999999999\": 1}", "{\"1\": 1e308}",
    ];

    private static readonly string[] Members =
    [
        "model", "messages", "prompt", "input", "instructions", "tokens", "max_tokens", "max_completion_tokens", "max_output_tokens",
        "temperature", "top_p", "top_k", "min_p", "n", "stop", "stream", "stream_options", "seed", "logit_bias", "logprobs", "top_logprobs",
        "presence_penalty", "frequency_penalty", "repetition_penalty", "tools", "tool_choice", "parallel_tool_calls", "response_format",
        "reasoning_effort", "reasoning", "text", "include", "stop_token_ids", "ignore_eos", "user", "metadata", "echo", "suffix", "best_of",
    ];

    private Site _site = null!;

    [OneTimeSetUp]
    public async Task Start() => _site = await Site.StartAsync();

    [OneTimeTearDown]
    public async Task Stop() => await _site.DisposeAsync();

    [TestCase("/v1/chat/completions", """{"model": "bakery", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}""")]
    [TestCase("/v1/completions", """{"model": "bakery", "prompt": "Hi", "max_tokens": 1}""")]
    [TestCase("/v1/responses", """{"model": "bakery", "input": "Hi", "max_output_tokens": 1}""")]
    [TestCase("/tokenize", """{"model": "bakery", "prompt": "Hi"}""")]
    [TestCase("/detokenize", """{"model": "bakery", "tokens": [5]}""")]
    public async Task Any_value_of_any_member_is_answered_or_refused(string path, string body)
    {
        foreach (string member in Members)
        {
            foreach (string value in Values)
            {
                JsonObject asked = JsonNode.Parse(body)!.AsObject();
                asked.Remove(member);
                string text = asked.ToJsonString()[..^1] + $"{(asked.Count > 0 ? "," : "")} \"{member}\": {value}}}";
                using HttpResponseMessage response = await _site.SendAsync(path, text);
                string answer = await response.Content.ReadAsStringAsync();
                Assert.That(
                    response.StatusCode,
                    Is.EqualTo(HttpStatusCode.OK).Or.EqualTo(HttpStatusCode.BadRequest).Or.EqualTo(HttpStatusCode.NotFound),
                    () => $"{text}: {answer}");
                if (response.StatusCode != HttpStatusCode.OK)
                {
                    JsonNode error = JsonNode.Parse(answer)!["error"]!;
                    Assert.That((string?)error["message"], Is.Not.Empty, text);
                    Assert.That((string?)error["type"], Is.EqualTo("invalid_request_error"), text);
                }
            }
        }

        await _site.IdleAsync();
    }
}
