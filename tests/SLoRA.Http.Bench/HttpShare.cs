using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using SLoRA.AspNetCore;
using SLoRA.Text;

namespace SLoRA.Http.Bench;

/// <summary>
/// HTTP's share of the time that a whole job takes: streams at the same time, each on an adapter of its own in turn, in process and through
/// HTTP on loopback. One engine serves both, in turns; the clients run in this process, and what they do counts as HTTP's.
/// </summary>
internal sealed class HttpShare : IAsyncDisposable
{
    private readonly LoraServingEngine _engine;
    private readonly TextGenerator _generator;
    private readonly WebApplication _app;
    private readonly HttpClient _client;
    private readonly string[] _adapters;
    private readonly int _tokens;

    private HttpShare(LoraServingEngine engine, TextGenerator generator, WebApplication app, string[] adapters, int tokens)
    {
        _engine = engine;
        _generator = generator;
        _app = app;
        _adapters = adapters;
        _tokens = tokens;
        _client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
    }

    /// <summary>Loads the model and starts the server.</summary>
    public static async Task<HttpShare> StartAsync(
        string model, string[] folders, int requests, int tokens, CancellationToken cancellation)
    {
        LoraServingEngineBuilder engines = LoraServingEngine.CreateBuilder().UseModel(model);
        foreach (string folder in folders)
        {
            engines.AddAdapter(Path.GetFileName(folder), folder);
        }

        LoraServingEngine engine = await engines.BuildAsync(cancellationToken: cancellation);
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        WebApplication app = builder.Build();
        var generator = new TextGenerator(engine, ModelTokenizer.Load(model));
        app.MapSLoRA(generator);
        await app.StartAsync(cancellation);
        string[] adapters = [.. Enumerable.Range(0, requests).Select(i => Path.GetFileName(folders[i % folders.Length]))];
        return new HttpShare(engine, generator, app, adapters, tokens);
    }

    /// <summary>Measures, and prints the median of each and HTTP's share.</summary>
    public async Task RunAsync(int rounds, CancellationToken cancellation)
    {
        // Everything compiled, every adapter in the pool, every connection open.
        string[] known = await InProcessAsync(cancellation);
        string[] served = await ThroughHttpAsync(cancellation);
        if (!known.SequenceEqual(served))
        {
            throw new InvalidOperationException("The answers through HTTP are not those in process.");
        }

        var inProcess = new List<double>();
        var throughHttp = new List<double>();
        for (int round = 0; round < rounds; round++)
        {
            // In turns, and each of them first every other time.
            bool httpFirst = round % 2 == 1;
            for (int turn = 0; turn < 2; turn++)
            {
                bool isHttp = httpFirst == (turn == 0);
                long start = Stopwatch.GetTimestamp();
                await (isHttp ? ThroughHttpAsync(cancellation) : InProcessAsync(cancellation));
                (isHttp ? throughHttp : inProcess).Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
            }
        }

        double without = Median(inProcess);
        double with = Median(throughHttp);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{_adapters.Length} streams of {_tokens} tokens over {_adapters.Distinct().Count()} adapters, median of {rounds} rounds\n"
            + $"in process   {without * 1000:F0} ms, {_adapters.Length * _tokens / without:F0} tokens/s\n"
            + $"through HTTP {with * 1000:F0} ms, {_adapters.Length * _tokens / with:F0} tokens/s\n"
            + $"HTTP's share {(with - without) / with:P1} (goal: at most 5 %)"));
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _app.DisposeAsync();
        await _engine.DisposeAsync();
    }

    private Task<string[]> InProcessAsync(CancellationToken cancellation) => Task.WhenAll(_adapters.Select(async (adapter, i) =>
    {
        // As an endpoint has it: reading waits for tokens, and resumes wherever there is a thread.
        await Task.Yield();
        var text = new StringBuilder();
        await foreach (TextUpdate update in _generator.GenerateAsync(
            new TextRequest
            {
                Messages = [new TemplateMessage("user", Question(i))],
                Adapter = adapter,
                MaxTokens = _tokens,
                IgnoreEndOfText = true,
            },
            cancellation))
        {
            text.Append(update.Text);
        }

        return text.ToString();
    }));

    private Task<string[]> ThroughHttpAsync(CancellationToken cancellation) => Task.WhenAll(_adapters.Select(async (adapter, i) =>
    {
        var body = new JsonObject
        {
            ["model"] = adapter,
            ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = Question(i) }),
            ["max_tokens"] = _tokens,
            ["ignore_eos"] = true,
            ["stream"] = true,
        };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json"),
        };
        using HttpResponseMessage response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        response.EnsureSuccessStatusCode();
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(cancellation));
        var text = new StringBuilder();
        while (await lines.ReadLineAsync(cancellation) is { } line && line != "data: [DONE]")
        {
            if (line.StartsWith("data: ", StringComparison.Ordinal))
            {
                using var chunk = JsonDocument.Parse(line.AsMemory("data: ".Length));
                JsonElement delta = chunk.RootElement.GetProperty("choices")[0].GetProperty("delta");
                text.Append(delta.TryGetProperty("content", out JsonElement content) ? content.GetString() : null);
            }
        }

        return text.ToString();
    }));

    private static string Question(int i) => $"When are you open, and where are you? Please tell visitor number {i}.";

    private static double Median(List<double> times)
    {
        times.Sort();
        return times.Count % 2 == 1 ? times[times.Count / 2] : (times[(times.Count / 2) - 1] + times[times.Count / 2]) / 2;
    }
}
