using System.Net;
using System.Net.Sockets;
using SLoRA.HuggingFace.Tests.Fake;
using SLoRA.HuggingFace.Tests.Layouts;

namespace SLoRA.HuggingFace.Tests.Scenarios;

/// <summary>
/// Connections that break, servers that are busy, silent or gone. Nobody waits: the clock says how long somebody would have.
/// </summary>
public sealed class ConnectionScenarioTests : HubScenario
{
    private const string LargeFiles = "acme/large-files";

    [Test]
    [Scenario("broken-connection")]
    public async Task Broken_connection_goes_on_where_it_was()
    {
        HubClient client = Client();
        Hub.Break(new HubFault { Method = "GET", Match = "notes", Cut = 5000 });
        await client.DownloadFileAsync(LargeFiles, "notes.txt");
        Hub.Break(new HubFault { AtCdn = true, Method = "GET", Cut = 15_000_000 });
        await client.DownloadFileAsync(LargeFiles, "big.safetensors");
        Hub.Break(new HubFault { AtCdn = true, Method = "GET", Cut = 100_000, Times = 2 });
        await client.DownloadFileAsync(LargeFiles, "medium.safetensors");
        AssertLayout("broken-connection");
        Assert.That(Clock.TakeWaits(), Is.EqualTo(Enumerable.Repeat(TimeSpan.FromSeconds(1), 4)), "after each break");
    }

    [Test]
    public async Task A_connection_that_breaks_is_asked_for_the_rest_and_no_more()
    {
        HubFault hold = Hub.Break(new HubFault { AtCdn = true, Method = "GET", Hold = 100_000 });
        Arrivals arrivals = Arrivals.Of(bytes: 100_000);
        Task<string> download = Client().DownloadFileAsync(LargeFiles, "medium.safetensors", progress: arrivals);
        await Task.WhenAny(arrivals.Seen, download);
        Clock.Expire();
        await download;
        hold.Release();

        Assert.That(
            Hub.Exchanges.Where(exchange => exchange.To == "CDN").Select(exchange => exchange.Range),
            Is.EqualTo([null, "bytes=100000-262223"]));
    }

    [Test]
    [Scenario("range-ignored")]
    public async Task Range_ignored_the_whole_file_is_taken_from_its_start()
    {
        Hub.Break(new HubFault { AtCdn = true, Method = "GET", Cut = 100_000 });
        Hub.Break(new HubFault { AtCdn = true, Method = "GET", IgnoreRange = true });
        string path = await Client().DownloadFileAsync(LargeFiles, "medium.safetensors");
        await AssertBytesAsync(path, FileOf("medium.safetensors").Bytes);
    }

    [Test]
    [Scenario("always-broken")]
    public async Task Always_broken_gives_up_after_five_more_tries_without_new_data()
    {
        Hub.Break(new HubFault { Method = "GET", Match = "notes", Cut = 0, Times = 99 });
        await RefusedAsync(HubErrorKind.Unreachable, () => Client().DownloadFileAsync(LargeFiles, "notes.txt"));
        Assert.That(Hub.Exchanges, Has.Length.EqualTo(7), "as many as the Python client");
        AssertLayout("always-broken", WithoutNamesOfNothing);
    }

    [Test]
    [Scenario("busy")]
    public async Task Busy_429_and_5xx_are_waited_for_unless_the_cache_has_what_is_wanted()
    {
        HubClient client = Client();
        Hub.Break(new HubFault { Method = "HEAD", Match = "resolve", Status = 429, Headers = { ["Retry-After"] = "1" } });
        await client.DownloadFileAsync(TinyLlama, "config.json");
        Assert.That(TakeWaits(), Is.EqualTo([2]), "the second more is for the Hub's rounding; the Python client asks again at once");

        Hub.Break(new HubFault { Method = "HEAD", Match = "resolve", Status = 503, Times = 99 });
        Assert.That(await RequestsOfAsync(() => client.DownloadFileAsync(TinyLlama, "config.json")), Has.Length.EqualTo(1), "cached");
        Hub.Reset();

        Hub.Break(new HubFault { Method = "HEAD", Match = "resolve", Status = 500 });
        await client.DownloadFileAsync(TinyLlama, "tokenizer.json");
        Hub.Break(new HubFault { Method = "GET", Match = "resolve", Status = 429, Headers = { ["Retry-After"] = "2" } });
        await client.DownloadFileAsync(TinyLlama, "README.md");
        Hub.Break(new HubFault
        {
            Method = "GET",
            Match = "resolve",
            Status = 429,
            Headers = { ["RateLimit"] = "\"resolvers\";r=0;t=1", ["Retry-After"] = "9" },
        });
        await client.DownloadFileAsync(TinyLlama, ".gitattributes");
        Assert.That(TakeWaits(), Is.EqualTo([1, 3, 2]));

        // More patient: the Python client gives up at the first 503 of a body or of the API, ours at the sixth.
        Hub.Break(new HubFault { Method = "GET", Match = "resolve", Status = 503 });
        await client.DownloadFileAsync(TinyLlama, "generation_config.json");
        HubFiles config = HubFiles.Matching("config.json");
        Hub.Break(new HubFault { Match = "/api/models/.*/revision", Status = 503 });
        await client.DownloadAsync(TinyLlama, "v1.0", config);
        Assert.That(TakeWaits(), Is.EqualTo([1, 1]));

        Hub.Break(new HubFault { Match = "/api/models/", Status = 503, Times = 99 });
        Assert.That(await RequestsOfAsync(() => client.DownloadAsync(TinyLlama, files: config)), Has.Length.EqualTo(1), "cached");
        Hub.Reset();

        Hub.Break(new HubFault { Match = "/tree/", Status = 429, Headers = { ["Retry-After"] = "1" } });
        await client.DownloadAsync(TinyLlama, Second, config);
        Assert.That(TakeWaits(), Is.EqualTo([2]));
        AssertLayout("busy", layout =>
        {
            const string blob = "75a9d3e845b057f089c0754cbf088e74039a2bc4";
            SortedDictionary<string, string> whole = LayoutFixture.Read("snapshot-full").Expected();
            layout[$"{TinyLlamaFolder}/refs/v1.0"] = LayoutEntry.OfFile(First);
            string[] more =
            [
                $".locks/{TinyLlamaFolder}/{blob}.lock", $"{TinyLlamaFolder}/blobs/{blob}",
                $"{TinyLlamaFolder}/snapshots/{First}/generation_config.json",
                $"{TinyLlamaFolder}/trees/{First}.json",
            ];
            foreach (string path in more)
            {
                layout[path] = whole[path];
            }
        });
    }

    [Test]
    [Scenario("down")]
    public async Task Down_503_for_good_and_nothing_cached()
    {
        Hub.Break(new HubFault { Match = "resolve", Status = 503, Times = 99 });
        HubException file = await RefusedAsync(HubErrorKind.Unreachable, () => Client().DownloadFileAsync(TinyLlama, "config.json"));
        Assert.That(file.Status, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        Assert.That(TakeWaits(), Is.EqualTo([1, 2, 4, 8, 8]));

        // More patient than the Python client, which asks once here.
        Hub.Break(new HubFault { Match = "/api/", Status = 503, Times = 99 });
        await RefusedAsync(HubErrorKind.Unreachable, () => Client().DownloadAsync(TinyLlama));
        Assert.That(TakeWaits(), Is.EqualTo([1, 2, 4, 8, 8]));
        Assert.That(Directory.Exists(Cache), Is.False);
    }

    [Test]
    [Scenario("unreachable")]
    public async Task Unreachable_nobody_listens_at_the_address()
    {
        await Client().DownloadFileAsync(TinyLlama, "config.json");
        HubClient lost = Client(Options(endpoint: ClosedPort()));
        Assert.That(await lost.DownloadFileAsync(TinyLlama, "config.json"), Is.EqualTo(Entry(First, "config.json")));
        Assert.That(await lost.DownloadAsync(TinyLlama, files: HubFiles.Matching("config.json")), Does.EndWith(First));
        Assert.That(Clock.TakeWaits(), Is.Empty, "what is cached is not waited for");

        // Stricter: the Python client returns the folder with the one file as if it were the model.
        HubException error = await RefusedAsync(HubErrorKind.Unreachable, () => lost.DownloadAsync(TinyLlama));
        Assert.That(error.Message, Does.Contain(TinyLlama));
        await RefusedAsync(HubErrorKind.RepositoryNotCached, () => Offline().DownloadAsync("acme/tiny-sharded"));
    }

    [Test]
    [Scenario("timeouts")]
    public async Task Timeouts_silence_is_a_break()
    {
        HubFault stall = Hub.Break(new HubFault { Method = "HEAD", Match = "resolve", Stall = true });
        Task<string> download = Client().DownloadFileAsync(TinyLlama, "config.json");
        await stall.Reached;
        Clock.Expire();
        await download;
        Assert.That(Hub.Exchanges.Select(exchange => exchange.Method), Is.EqualTo(["HEAD", "HEAD", "GET"]));

        stall = Hub.Break(new HubFault { Method = "HEAD", Match = "resolve", Stall = true });
        HubExchange[] cached = await RequestsOfAsync(async () =>
        {
            Task<string> again = Client().DownloadFileAsync(TinyLlama, "config.json");
            await stall.Reached;
            Clock.Expire();
            Assert.That(await again, Is.EqualTo(Entry(First, "config.json")));
        });
        Assert.That(cached, Has.Length.EqualTo(1));

        Hub.Break(new HubFault { AtCdn = true, Method = "GET", Hold = 98304 });
        Arrivals arrivals = Arrivals.Of(bytes: 98304);
        Task<string> large = Client().DownloadFileAsync(LargeFiles, "medium.safetensors", progress: arrivals);
        await Task.WhenAny(arrivals.Seen, large);
        Clock.Expire();
        await AssertBytesAsync(await large, FileOf("medium.safetensors").Bytes);
    }

    [Test]
    public async Task A_wait_that_is_longer_than_allowed_is_an_error_at_once_that_says_how_long()
    {
        Hub.Break(new HubFault { Match = "resolve", Status = 429, Headers = { ["Retry-After"] = "3600" } });
        HubException error = await RefusedAsync(HubErrorKind.Busy, () => Client().DownloadFileAsync(TinyLlama, "config.json"));
        Assert.That(error.RetryAfter, Is.EqualTo(TimeSpan.FromSeconds(3601)));
        Assert.That(Clock.TakeWaits(), Is.Empty);
    }

    [Test]
    public async Task A_listing_that_breaks_off_is_asked_for_again()
    {
        Hub.Break(new HubFault { Match = "/revision/", Cut = 20 });
        Hub.Break(new HubFault { Match = "/tree/.*cursor=4", Cut = 100, Times = 2 });
        await Client().DownloadAsync(TinyLlama, files: HubFiles.Matching("config.json"));
        Assert.That(TakeWaits(), Is.EqualTo([1, 1, 2]));

        Hub.Break(new HubFault { Match = "/revision/", Cut = 20, Times = 99 });
        await RefusedAsync(HubErrorKind.Unreachable, () => Client().DownloadAsync("acme/tiny-sharded"));
        Assert.That(TakeWaits(), Is.EqualTo([1, 2, 4, 8, 8]));
    }

    [Test]
    public async Task A_date_in_Retry_After_is_waited_for()
    {
        string date = Clock.GetUtcNow().AddSeconds(40).ToString("R");
        Hub.Break(new HubFault { Match = "resolve", Status = 503, Headers = { ["Retry-After"] = date } });
        await Client().DownloadFileAsync(TinyLlama, "config.json");
        Assert.That(TakeWaits(), Is.EqualTo([41]));
    }

    [Test]
    public async Task A_caller_who_gives_up_waits_no_longer()
    {
        using var caller = new CancellationTokenSource();
        Clock.Waiting = _ => caller.Cancel();
        Hub.Break(new HubFault { Match = "resolve", Status = 503, Times = 99 });
        Assert.That(
            async () => await Client().DownloadFileAsync(TinyLlama, "config.json", cancellationToken: caller.Token),
            Throws.InstanceOf<OperationCanceledException>());
        Assert.That(Hub.Exchanges, Has.Length.EqualTo(1));
    }

    private static Uri ClosedPort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return new Uri($"http://{listener.LocalEndpoint}");
    }

    private HubFile FileOf(string path) => Hub.Content.Repositories[LargeFiles].Commits.Values.Single()[path];

    /// <summary>Seconds of the waits since the last look.</summary>
    private int[] TakeWaits() => [.. Clock.TakeWaits().Select(wait => (int)wait.TotalSeconds)];
}
