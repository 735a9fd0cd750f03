using System.Net;
using System.Text.Json.Nodes;
using SLoRA.Text;

namespace SLoRA.AspNetCore.Tests.Completions;

public sealed class PlainCompletionsTests
{
    private const string Prompt = "We are open from";

    private Site _site = null!;
    private TextAnswer _known = null!;

    [OneTimeSetUp]
    public async Task Start()
    {
        _site = await Site.StartAsync();
        _known = await _site.Generator.CompleteAsync(new TextRequest
        {
            Prompt = Prompt,
            Adapter = "library",
            MaxTokens = 8,
            IgnoreEndOfText = true,
            LogProbabilities = new LogProbabilityOptions { TopCount = 2 },
        });
    }

    [OneTimeTearDown]
    public async Task Stop() => await _site.DisposeAsync();

    [Test]
    public async Task Text_and_ids_give_the_engines_own_answer()
    {
        string ids = $"[{string.Join(", ", Demo.Tokenizer.Encode(Prompt))}]";
        foreach (string prompt in (string[])[$"\"{Prompt}\"", $"[\"{Prompt}\"]", ids, $"[{ids}]"])
        {
            (HttpStatusCode status, JsonNode answer) = await _site.PostAsync("/v1/completions", Body(prompt));
            Assert.Multiple(() =>
            {
                Assert.That(status, Is.EqualTo(HttpStatusCode.OK), answer.ToJsonString());
                Assert.That((string?)answer["choices"]![0]!["text"], Is.EqualTo(_known.Text), prompt);
                Assert.That((string?)answer["choices"]![0]!["finish_reason"], Is.EqualTo("length"));
            });
        }
    }

    [Test]
    public async Task A_stream_joined_is_the_same()
    {
        List<string> events = await _site.EventsAsync("/v1/completions", Body($"\"{Prompt}\"", """, "stream": true"""));
        Assert.That(events[^1], Is.EqualTo("[DONE]"));
        Assert.That(
            string.Concat(events.SkipLast(1).Select(data => (string?)JsonNode.Parse(data)!["choices"]![0]!["text"])),
            Is.EqualTo(_known.Text));
    }

    [Test]
    public async Task Log_probabilities_are_lists_side_by_side()
    {
        (_, JsonNode answer) = await _site.PostAsync("/v1/completions", Body($"\"{Prompt}\"", """, "logprobs": 2"""));
        JsonNode logprobs = answer["choices"]![0]!["logprobs"]!;
        string[] tokens = [.. logprobs["tokens"]!.AsArray().Select(token => (string)token!)];
        Assert.Multiple(() =>
        {
            Assert.That(string.Concat(tokens), Is.EqualTo(_known.Text));
            Assert.That(
                logprobs["token_logprobs"]!.AsArray().Select(value => (float)value!),
                Is.EqualTo(_known.Continuations[0].Tokens.Select(token => token.LogProbability!.Value)));
            Assert.That(logprobs["top_logprobs"]!.AsArray(), Has.Count.EqualTo(tokens.Length));
            Assert.That(
                logprobs["text_offset"]!.AsArray().Select(value => (int)value!).Last(),
                Is.EqualTo(_known.Text.Length - tokens[^1].Length));
        });
    }

    [TestCase("prompt", "7")]
    [TestCase("prompt", "[]")]
    [TestCase("prompt", "[1, 2.5]")]
    [TestCase("prompt", "[\"a\", \"b\"]")]
    [TestCase("prompt", "[99999]")]
    [TestCase("echo", "true")]
    [TestCase("best_of", "2")]
    [TestCase("suffix", "\"x\"")]
    [TestCase("logprobs", "6")]
    public async Task What_cannot_be_served_is_refused_by_name(string member, string value)
    {
        var body = new JsonObject { ["model"] = "library", ["prompt"] = "x" };
        body[member] = JsonNode.Parse(value);
        (HttpStatusCode status, JsonNode error) = await _site.PostAsync("/v1/completions", body.ToJsonString());
        Assert.Multiple(() =>
        {
            Assert.That(status, Is.EqualTo(HttpStatusCode.BadRequest));
            Assert.That((string?)error["error"]!["param"], Is.EqualTo(member));
        });
    }

    private static string Body(string prompt, string more = "") =>
        $$"""{"model": "library", "prompt": {{prompt}}, "max_tokens": 8, "ignore_eos": true{{more}}}""";
}
