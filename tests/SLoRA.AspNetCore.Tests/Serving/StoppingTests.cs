using System.Net;
using System.Text.Json.Nodes;

namespace SLoRA.AspNetCore.Tests.Serving;

/// <summary>A server that stops under load answers or refuses every request.</summary>
public sealed class StoppingTests
{
    private const string Path = "/v1/chat/completions";
    private const int Streams = 64;

    [Test]
    public async Task Streams_that_run_are_answered_whole_and_what_comes_later_is_refused()
    {
        await using Site site = await Site.StartAsync();
        var expected = new Dictionary<string, string>();
        foreach (string tenant in Demo.Tenants)
        {
            expected[tenant] = (await site.Generator.CompleteAsync(Demo.Request(tenant))).Text;
        }

        string[] asked = [.. Enumerable.Range(0, Streams).Select(i => Demo.Tenants[i % Demo.Tenants.Length])];
        HttpResponseMessage[] begun = await Task.WhenAll(asked.Select(tenant => site.SendAsync(Path, Body(tenant, maxTokens: 64))));

        // As samples/ChatServer has it: new requests are refused, running ones go on, and the server waits for them.
        Task drained = site.Engine.DrainAsync(Timeout.InfiniteTimeSpan);
        Task stopped = site.StopAsync();
        HttpStatusCode?[] late = await Task.WhenAll(Demo.Tenants.Select(tenant => StatusAsync(site, Body(tenant, maxTokens: 64))));
        string[] answers = await Task.WhenAll(begun.Select(TextAsync));
        await stopped;
        await drained;
        Assert.That(answers, Is.EqualTo(asked.Select(tenant => expected[tenant])));
        Assert.That(late, Is.All.Null.Or.EqualTo(HttpStatusCode.ServiceUnavailable), "refused by the engine, or by nobody listening");
        await site.IdleAsync();
    }

    [Test]
    public async Task A_server_that_may_not_wait_ends_every_stream_and_leaves_nothing_behind()
    {
        await using Site site = await Site.StartAsync();
        HttpResponseMessage[] begun = await Task.WhenAll(Enumerable.Range(0, Streams).Select(
            i => site.SendAsync(Path, Body(Demo.Tenants[i % Demo.Tenants.Length], maxTokens: 1000, isEndless: true))));

        // No time at all: connections are broken off.
        await site.StopAsync(new CancellationToken(canceled: true));
        foreach (HttpResponseMessage stream in begun)
        {
            Assert.That(() => TextAsync(stream), Throws.InstanceOf<HttpRequestException>().Or.InstanceOf<IOException>());
        }

        await site.IdleAsync();
        Assert.That(site.Engine.Status.GeneratedTokens, Is.LessThan(Streams * 1000), "requests ended with their connections");
    }

    [Test]
    public async Task An_engine_that_ends_first_tells_every_stream_so()
    {
        await using Site site = await Site.StartAsync();
        HttpResponseMessage[] begun = await Task.WhenAll(Enumerable.Range(0, Streams).Select(
            i => site.SendAsync(Path, Body(Demo.Tenants[i % Demo.Tenants.Length], maxTokens: 1000, isEndless: true))));
        Task stopped = site.StopAsync();
        await site.Engine.DisposeAsync();
        string[] ends = await Task.WhenAll(begun.Select(async stream => await stream.Content.ReadAsStringAsync()));
        await stopped;
        Assert.That(ends, Is.All.Contains("engine.disposed"));
    }

    // Null where nobody listens any more.
    private static async Task<HttpStatusCode?> StatusAsync(Site site, string body)
    {
        try
        {
            using HttpResponseMessage response = await site.SendAsync(Path, body);
            return response.StatusCode;
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    private static async Task<string> TextAsync(HttpResponseMessage stream)
    {
        using HttpResponseMessage response = stream;
        string[] events = [.. (await response.Content.ReadAsStringAsync()).Split('\n').Where(line => line.StartsWith("data: "))];
        Assert.That(events[^1], Is.EqualTo("data: [DONE]"));
        return string.Concat(events.SkipLast(1).Select(
            data => (string?)JsonNode.Parse(data["data: ".Length..])!["choices"]![0]!["delta"]!["content"]));
    }

    private static string Body(string tenant, int maxTokens, bool isEndless = false) => new JsonObject
    {
        ["model"] = tenant,
        ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = Demo.Hours }),
        ["max_tokens"] = maxTokens,
        ["ignore_eos"] = isEndless,
        ["stream"] = true,
    }.ToJsonString();
}
