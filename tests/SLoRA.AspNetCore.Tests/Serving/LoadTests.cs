using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

namespace SLoRA.AspNetCore.Tests.Serving;

public sealed class LoadTests
{
    private const string Path = "/v1/chat/completions";

    [Test]
    public async Task Sixty_four_streams_on_different_adapters_each_get_the_engines_own_answer()
    {
        await using Site site = await Site.StartAsync();
        var expected = new Dictionary<string, string>();
        foreach (string tenant in Demo.Tenants)
        {
            expected[tenant] = (await site.Generator.CompleteAsync(Demo.Request(tenant))).Text;
        }

        string[] asked = [.. Enumerable.Range(0, 64).Select(i => Demo.Tenants[i % Demo.Tenants.Length])];
        string[] answers = await Task.WhenAll(asked.Select(async tenant =>
        {
            List<string> events = await site.EventsAsync(Path, Body(tenant));
            Assert.That(events[^1], Is.EqualTo("[DONE]"));
            return string.Concat(events.SkipLast(1).Select(data => (string?)JsonNode.Parse(data)!["choices"]![0]!["delta"]!["content"]));
        }));

        Assert.That(answers, Is.EqualTo(asked.Select(tenant => expected[tenant])));
        Assert.That(expected.Values.Distinct().Count(), Is.EqualTo(Demo.Tenants.Length));
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task A_client_that_goes_ends_its_request(bool streams)
    {
        await using Site site = await Site.StartAsync();
        using var leaving = new CancellationTokenSource();
        Task<HttpResponseMessage> request = site.SendAsync(Path, Endless("bakery", streams), cancellation: leaving.Token);
        await site.UntilAsync(status => status is { Running: > 0 } or { EndedRequests: > 0 });

        HttpResponseMessage? begun = streams ? await request : null;
        begun?.Dispose();
        await leaving.CancelAsync();
        Assert.That(async () => await request, streams ? Throws.Nothing : Throws.InstanceOf<OperationCanceledException>());
        await site.IdleAsync();
        Assert.That(site.Engine.Status.GeneratedTokens, Is.LessThan(900));
    }

    [Test]
    public async Task A_client_that_reads_nothing_loses_its_request_and_holds_up_nobody()
    {
        await using Site site = await Site.StartAsync(engine: builder => builder.ConfigureScheduling(scheduling =>
        {
            scheduling.StreamBuffer = 16;
            scheduling.ConsumerTimeout = TimeSpan.FromSeconds(3);
        }));
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 1024 };
        await socket.ConnectAsync(IPAddress.Loopback, site.Address.Port);

        // More than the buffers between the two can hold: 20 megabytes.
        string much = Endless("bakery", streams: true).TrimEnd().TrimEnd('}') + ", \"n\": 8, \"logprobs\": true, \"top_logprobs\": 20}";
        await socket.SendAsync(Raw(much));
        string known = (await site.Generator.CompleteAsync(Demo.Request("hotel"))).Text;
        (_, JsonNode answer) = await site.PostAsync(Path, Body("hotel", streams: false));
        Assert.That((string?)answer["choices"]![0]!["message"]!["content"], Is.EqualTo(known));
        await site.IdleAsync();
        Assert.That(site.Engine.Status.GeneratedTokens, Is.LessThan(8 * 1000));
    }

    [Test]
    public async Task A_client_that_reads_slowly_gets_all_of_it()
    {
        await using Site site = await Site.StartAsync(
            engine: builder => builder.ConfigureScheduling(scheduling => scheduling.StreamBuffer = 1));
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 1024 };
        await socket.ConnectAsync(IPAddress.Loopback, site.Address.Port);
        await socket.SendAsync(Raw(Body("bakery"), closes: true));
        var text = new StringBuilder();
        byte[] piece = new byte[1];
        while (await socket.ReceiveAsync(piece) > 0)
        {
            text.Append((char)piece[0]);

            // Others are served between one byte and the next.
            if (text.Length == 1000)
            {
                (HttpStatusCode status, _) = await site.PostAsync(Path, Body("hotel", streams: false));
                Assert.That(status, Is.EqualTo(HttpStatusCode.OK));
            }
        }

        Assert.That(text.ToString(), Does.Contain("data: [DONE]"));
        await site.IdleAsync();
    }

    [Test]
    public async Task A_client_that_closes_its_half_of_the_connection_counts_as_gone()
    {
        await using Site site = await Site.StartAsync();
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, site.Address.Port);
        await socket.SendAsync(Raw(Endless("bakery", streams: true)));
        await socket.ReceiveAsync(new byte[1]);
        socket.Shutdown(SocketShutdown.Send);
        await site.IdleAsync();
        Assert.That(site.Engine.Status.GeneratedTokens, Is.LessThan(900));
    }

    [Test]
    public async Task Half_a_request_harms_nobody()
    {
        await using Site site = await Site.StartAsync();
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, site.Address.Port);
        byte[] whole = Raw(Body("bakery"));
        await socket.SendAsync(whole.AsMemory(0, whole.Length / 2));
        (HttpStatusCode status, _) = await site.PostAsync(Path, Body("hotel", streams: false));
        socket.Shutdown(SocketShutdown.Send);
        Assert.That(status, Is.EqualTo(HttpStatusCode.OK));
        await site.IdleAsync();
    }

    [Test]
    public async Task A_full_queue_is_told_with_the_time_to_come_back()
    {
        await using Site site = await Site.StartAsync(
            new SLoraHttpOptions { RetryAfter = TimeSpan.FromSeconds(2.5) },
            engine => engine.ConfigureScheduling(
                scheduling => (scheduling.MaxRunning, scheduling.MaxWaiting, scheduling.StreamBuffer) = (1, 1, 1)));
        var asked = new GenerationRequest { Prompt = new int[] { 5 }, MaxTokens = 8, IgnoreEndOfText = true };

        // Who takes one token and no more keeps his place; the next one waits for it.
        IAsyncEnumerator<GeneratedToken> running = site.Engine.GenerateAsync(asked).GetAsyncEnumerator();
        await running.MoveNextAsync();
        IAsyncEnumerator<GeneratedToken> waiting = site.Engine.GenerateAsync(asked).GetAsyncEnumerator();
        ValueTask<bool> place = waiting.MoveNextAsync();
        await site.UntilAsync(status => status.Waiting > 0);

        using HttpResponseMessage refused = await site.SendAsync(Path, Body("hotel"));
        Assert.Multiple(() =>
        {
            Assert.That(refused.StatusCode, Is.EqualTo(HttpStatusCode.TooManyRequests));
            Assert.That(refused.Headers.RetryAfter?.Delta, Is.EqualTo(TimeSpan.FromSeconds(3)));
        });
        await running.DisposeAsync();
        await place;
        await waiting.DisposeAsync();
    }

    [Test]
    public async Task A_server_that_drains_answers_what_it_has_and_refuses_the_rest()
    {
        await using Site site = await Site.StartAsync();
        Task<(HttpStatusCode Status, JsonNode Body)>[] running =
            [.. Demo.Tenants.Select(tenant => site.PostAsync(Path, Body(tenant, streams: false)))];
        await site.UntilAsync(status => status is { Running: > 0 } or { EndedRequests: > 0 });

        Task<bool> drained = site.Engine.DrainAsync(Timeout.InfiniteTimeSpan);
        using HttpResponseMessage refused = await site.SendAsync(Path, Body("hotel"));
        (HttpStatusCode Status, JsonNode Body)[] answers = await Task.WhenAll(running);
        Assert.Multiple(() =>
        {
            Assert.That(drained.Result, Is.True);
            Assert.That(refused.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
            Assert.That(refused.Headers.RetryAfter, Is.Not.Null);
            Assert.That(
                answers.Select(answer => answer.Status), Is.All.EqualTo(HttpStatusCode.OK).Or.EqualTo(HttpStatusCode.ServiceUnavailable));
            Assert.That(answers.Select(answer => answer.Status), Has.Some.EqualTo(HttpStatusCode.OK));
        });
    }

    [Test]
    public async Task An_engine_that_is_disposed_under_streams_ends_each_of_them_with_an_error()
    {
        await using Site site = await Site.StartAsync();
        Task<HttpResponseMessage>[] sent = [.. Demo.Tenants.Select(tenant => site.SendAsync(Path, Endless(tenant, streams: true)))];
        HttpResponseMessage[] streams = await Task.WhenAll(sent);
        await site.Engine.DisposeAsync();
        foreach (HttpResponseMessage stream in streams)
        {
            string text = await stream.Content.ReadAsStringAsync();
            Assert.That(text, Does.Contain("engine.disposed").And.Not.Contain("[DONE]"));
            stream.Dispose();
        }
    }

    [Test]
    public async Task A_request_that_takes_too_long_ends_with_its_own_status()
    {
        await using Site site = await Site.StartAsync(new SLoraHttpOptions { MaxTime = TimeSpan.FromMilliseconds(1) });
        (HttpStatusCode status, JsonNode body) = await site.PostAsync(Path, Endless("bakery", streams: false));
        Assert.Multiple(() =>
        {
            Assert.That(status, Is.EqualTo(HttpStatusCode.GatewayTimeout));
            Assert.That((string?)body["error"]!["type"], Is.EqualTo("timeout_error"));
        });
    }

    private static byte[] Raw(string body, bool closes = false) => Encoding.UTF8.GetBytes(
        $"POST {Path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n"
        + $"{(closes ? "Connection: close\r\n" : "")}\r\n{body}");

    private static string Body(string tenant, bool streams = true) => $$"""
        {"model": "{{tenant}}", "messages": [{"role": "user", "content": "{{Demo.Hours}}"}], "max_tokens": 64,
        "stream": {{(streams ? "true" : "false")}}}
        """;

    private static string Endless(string tenant, bool streams) => $$"""
        {"model": "{{tenant}}", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1000, "ignore_eos": true,
        "stream": {{(streams ? "true" : "false")}}}
        """;
}
