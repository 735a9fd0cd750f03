using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace SLoRA.AspNetCore.Tests.Metrics;

/// <summary>What OpenTelemetry makes of the engine's meter and spans: a scrape endpoint beside that for gateways, and traces.</summary>
public sealed partial class OpenTelemetryTests
{
    private const string Path = "/v1/chat/completions";
    private const string Body = """{"model": "bakery", "messages": [{"role": "user", "content": "When are you open?"}]}""";

    [Test]
    public async Task A_scrape_has_every_instrument_that_is_documented_and_gateways_have_their_own()
    {
        await using Site site = await Site.StartAsync(
            engine: builder => builder.ConfigureMetrics(metrics => metrics.ModelName = "scraped")
                .ConfigureScheduling(scheduling => scheduling.Policy = new SchedulingPolicy { Shares = new FairShares() }),
            services: services => services.AddOpenTelemetry().WithMetrics(metrics => metrics
                .AddMeter(MetricsOptions.MeterName)
                .AddPrometheusExporter(options => options.ScrapeResponseCacheDurationMilliseconds = 0)),
            map: (app, generator) =>
            {
                app.MapSLoRA(generator);
                app.MapSLoRAMetrics(generator, "/gateway");
                app.MapPrometheusScrapingEndpoint("/metrics");
            });
        await site.PostAsync(Path, Body);
        await site.IdleAsync();
        string scrape = await site.Client.GetStringAsync("/metrics");
        string gateway = await site.Client.GetStringAsync("/gateway");

        string page = await File.ReadAllTextAsync(RepositoryFolder.PathOf("docs", "status-and-metrics.md"));
        string[] documented = [.. Row().Matches(page).SelectMany(row => Name().Matches(row.Value)).Select(name => name.Groups[1].Value)];
        Assert.That(documented, Has.Length.GreaterThan(20));
        Assert.Multiple(() =>
        {
            foreach (string instrument in documented.Where(name => !IsOfRareEvents(name)))
            {
                Assert.That(scrape, Does.Contain($"\n# TYPE {instrument.Replace('.', '_')}"), instrument);
            }

            Assert.That(Value(scrape, "slora_tokens_generated_total"), Is.EqualTo(site.Engine.Status.GeneratedTokens));
            Assert.That(Value(scrape, "gen_ai_server_request_duration_seconds_count"), Is.EqualTo(1));
            Assert.That(scrape, Does.Match("gen_ai_server_request_duration_seconds_count.*gen_ai_request_model=\"scraped\""));
            Assert.That(
                Bounds(scrape, "gen_ai_server_request_duration_seconds_bucket"),
                Is.EqualTo(Enumerable.Range(0, 14).Select(power => 0.01 * (1 << power)).Append(double.PositiveInfinity)).Within(1e-9),
                "the buckets that the page names");
            Assert.That(scrape, Does.Not.Contain("lora_requests_info"));
            Assert.That(gateway, Does.Contain("vllm:lora_requests_info"));
        });
    }

    [Test]
    public async Task A_requests_span_lies_below_that_of_the_server()
    {
        var spans = new List<Activity>();
        await using Site site = await Site.StartAsync(services: services => services.AddOpenTelemetry().WithTracing(
            traces => traces.AddSource("Microsoft.AspNetCore").AddSource("SLoRA.Engine").AddInMemoryExporter(spans)));
        await site.PostAsync(Path, Body);
        await site.StopAsync();
        Activity[] ended = [.. spans];
        Activity engine = ended.Single(span => span.OperationName == "slora.request");
        Activity server = ended.Single(span => span.SpanId == engine.ParentSpanId);
        Assert.Multiple(() =>
        {
            Assert.That(server.Source.Name, Is.EqualTo("Microsoft.AspNetCore"));
            Assert.That(server.Kind, Is.EqualTo(ActivityKind.Server));
            Assert.That(
                engine.Events.Select(happened => happened.Name), Is.EqualTo(["queued", "admitted", "first_token", "finished"]));
        });
    }

    // Nothing is exported of a counter that has counted nothing.
    private static bool IsOfRareEvents(string instrument) =>
        instrument is "slora.adapter.hits" or "slora.adapter.evictions" or "slora.preemptions";

    private static double Value(string scrape, string series) => double.Parse(
        Regex.Match(scrape, $@"^{series}(\{{[^\n]*\}})? (?<value>\S+)", RegexOptions.Multiline).Groups["value"].Value,
        CultureInfo.InvariantCulture);

    private static double[] Bounds(string scrape, string series) =>
    [
        .. Regex.Matches(scrape, $"^{series}\\{{[^\\n]*le=\"(?<le>[^\"]+)\"", RegexOptions.Multiline)
            .Select(match => match.Groups["le"].Value)
            .Select(bound => bound == "+Inf" ? double.PositiveInfinity : double.Parse(bound, CultureInfo.InvariantCulture)),
    ];

    [GeneratedRegex(@"^\| `(gen_ai|slora)\..*?\|", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex("`([a-z_.]+)`")]
    private static partial Regex Name();
}
