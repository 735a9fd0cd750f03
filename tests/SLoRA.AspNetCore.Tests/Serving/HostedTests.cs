using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using SLoRA.Hosting;
using SLoRA.Text;

namespace SLoRA.AspNetCore.Tests.Serving;

/// <summary>An engine among the services of the server's host, which loads it and lets it end.</summary>
public sealed class HostedTests
{
    private const string Path = "/v1/chat/completions";

    [Test]
    public async Task An_engine_of_the_host_is_served_under_the_names_of_its_configuration()
    {
        await using WebApplication app = Build();
        await app.StartAsync();
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
        JsonNode models = (await client.GetFromJsonAsync<JsonNode>("/v1/models"))!;
        Assert.That(models["data"]!.AsArray().Select(model => (string?)model!["id"]), Is.EqualTo(["desk", "bakery", "hotel"]));

        TextGenerator generator = app.Services.GetRequiredService<TextGenerator>();
        foreach (string tenant in (string[])["bakery", "hotel"])
        {
            using HttpResponseMessage response = await client.PostAsync(Path, Body(tenant));
            JsonNode answer = JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
            string known = (await generator.CompleteAsync(Demo.Request(tenant))).Text;
            Assert.That((string?)answer["choices"]![0]!["message"]!["content"], Is.EqualTo(known));
        }

        using HttpResponseMessage ofBase = await client.PostAsync(Path, Body("desk"));
        Assert.That(ofBase.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(await client.GetStringAsync("/metrics"), Does.Contain("model_name=\"desk\""));
        await app.StopAsync();
    }

    [Test]
    public async Task While_the_model_is_loaded_requests_are_told_to_come_back()
    {
        using var gate = new ManualResetEventSlim();
        await using WebApplication app = Build(
            new Dictionary<string, string?> { ["SLoRA:LoadInBackground"] = "true" },
            builder => builder.ConfigureEngine((_, _) => gate.Wait()));
        await app.StartAsync();
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
        try
        {
            foreach (string path in (string[])["/v1/models", "/metrics"])
            {
                using HttpResponseMessage early = await client.GetAsync(path);
                Assert.That(early.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable), path);
            }

            using HttpResponseMessage refused = await client.PostAsync(Path, Body("bakery"));
            Assert.That(refused.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
            Assert.That(refused.Headers.RetryAfter, Is.Not.Null);
            Assert.That(await refused.Content.ReadAsStringAsync(), Does.Contain("engine.not-ready"));
        }
        finally
        {
            gate.Set();
        }

        await app.StopAsync();
    }

    [Test]
    public async Task A_host_without_an_engine_is_told_when_the_endpoints_are_mapped()
    {
        await using WebApplication app = WebApplication.CreateSlimBuilder().Build();
        Assert.That(() => app.MapSLoRA(), Throws.InvalidOperationException.With.Message.Contains(nameof(TextGenerator)));
    }

    private static StringContent Body(string tenant) => new(
        $$"""{"model": "{{tenant}}", "messages": [{"role": "user", "content": "{{Demo.Hours}}"}], "max_tokens": 64}""",
        System.Text.Encoding.UTF8, "application/json");

    private static WebApplication Build(Dictionary<string, string?>? settings = null, Action<SLoRABuilder>? configure = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>(settings ?? [])
        {
            ["SLoRA:Model"] = Demo.Model,
            ["SLoRA:ModelName"] = "desk",
            ["SLoRA:Pool:Bytes"] = "33554432",
            ["SLoRA:Adapters:bakery"] = Demo.Adapter("bakery"),
            ["SLoRA:Adapters:hotel"] = Demo.Adapter("hotel"),
        });
        SLoRABuilder engine = builder.Services.AddSLoRA(builder.Configuration.GetSection("SLoRA"));
        configure?.Invoke(engine);
        WebApplication app = builder.Build();
        app.MapSLoRA();
        app.MapSLoRAMetrics();
        return app;
    }
}
