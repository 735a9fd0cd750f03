using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using SLoRA.Text;

namespace SLoRA.AspNetCore.Tests;

/// <summary>A server on loopback, with Kestrel, in front of an engine that it owns.</summary>
internal sealed class Site : IAsyncDisposable
{
    private readonly WebApplication _app;

    private Site(LoraServingEngine engine, WebApplication app)
    {
        Engine = engine;
        _app = app;
        Address = new Uri(app.Urls.Single());

        // A client that leaves a stream closes its connection, and reads nothing more to keep it.
        var handler = new SocketsHttpHandler { ResponseDrainTimeout = TimeSpan.Zero };
        Client = new HttpClient(handler) { BaseAddress = Address, Timeout = TimeSpan.FromSeconds(50) };
    }

    public LoraServingEngine Engine { get; }

    public TextGenerator Generator => new(Engine, Demo.Tokenizer);

    public HttpClient Client { get; }

    public Uri Address { get; }

    /// <summary>Starts one.</summary>
    /// <param name="options">Of the endpoints; null for the defaults.</param>
    /// <param name="engine">Changes the engine.</param>
    /// <param name="services">Adds services.</param>
    /// <param name="map">Maps endpoints in place of the usual ones.</param>
    public static async Task<Site> StartAsync(
        SLoraHttpOptions? options = null,
        Action<LoraServingEngineBuilder>? engine = null,
        Action<IServiceCollection>? services = null,
        Action<WebApplication, TextGenerator>? map = null)
    {
        LoraServingEngine served = await Demo.StartAsync(engine);
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        services?.Invoke(builder.Services);
        WebApplication app = builder.Build();
        var generator = new TextGenerator(served, Demo.Tokenizer);
        if (map is null)
        {
            app.MapSLoRA(generator, options);
        }
        else
        {
            map(app, generator);
        }

        await app.StartAsync();
        return new Site(served, app);
    }

    /// <summary>Sends a body and takes the answer's JSON, whatever its status.</summary>
    public async Task<(HttpStatusCode Status, JsonNode Body)> PostAsync(string path, string json, string? key = null)
    {
        using HttpResponseMessage response = await SendAsync(path, json, key);
        return (response.StatusCode, JsonNode.Parse(await response.Content.ReadAsStringAsync())!);
    }

    /// <summary>Sends a body.</summary>
    public Task<HttpResponseMessage> SendAsync(
        string path, string json, string? key = null, CancellationToken cancellation = default)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new StringContent(json, Encoding.UTF8, "application/json"),
        };
        request.Headers.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);
        return Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
    }

    /// <summary>Sends a body and takes the data of all events.</summary>
    public async Task<List<string>> EventsAsync(string path, string json)
    {
        using HttpResponseMessage response = await SendAsync(path, json);
        Assert.That(response.Content.Headers.ContentType?.MediaType, Is.EqualTo("text/event-stream"));
        string[] lines = (await response.Content.ReadAsStringAsync()).Split('\n');
        return [.. lines.Where(line => line.StartsWith("data: ")).Select(line => line[6..])];
    }

    /// <summary>Waits, by looking at its status, until the engine has nothing to do and nobody holds anything.</summary>
    public Task IdleAsync() => UntilAsync(status => status is { Running: 0, Waiting: 0, Leases: 0 });

    /// <summary>Looks at the engine's status until it is as expected; fails when that never comes.</summary>
    public async Task UntilAsync(Func<EngineStatus, bool> isExpected)
    {
        long started = TimeProvider.System.GetTimestamp();
        while (!isExpected(Engine.Status))
        {
            Assert.That(TimeProvider.System.GetElapsedTime(started), Is.LessThan(TimeSpan.FromMinutes(2)), () => $"{Engine.Status}");
            await Task.Yield();
        }
    }

    public Task StopAsync(CancellationToken limit = default) => _app.StopAsync(limit);

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.DisposeAsync();
        await Engine.DisposeAsync();
    }
}
