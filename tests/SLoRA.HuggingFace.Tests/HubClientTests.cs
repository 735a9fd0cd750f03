using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using SLoRA.HuggingFace.Tests.Fake;
using SLoRA.HuggingFace.Tests.Scenarios;

namespace SLoRA.HuggingFace.Tests;

/// <summary>
/// What the client does beyond the scenarios: what it leaves out, pieces of large files, reports, and the program's own HttpClient.
/// </summary>
public sealed class HubClientTests : HubScenario
{
    private const string LargeFiles = "acme/large-files";
    private const int BigBytes = 25_165_904;

    [Test]
    public async Task By_default_a_model_comes_without_other_formats_other_folders_and_whatever_runs_code()
    {
        byte[] some = Encoding.UTF8.GetBytes("some");
        Hub.Content.Add(
            "acme/crowded",
            ("config.json", "{}"u8.ToArray()), ("model.safetensors", some), ("tokenizer.json", some), ("tokenizer.model", some),
            ("merges.txt", some),
            ("chat_template.jinja", some), ("additional_chat_templates/tools.jinja", some), ("README.md", some),
            ("pytorch_model.bin", some),
            ("pytorch_model.bin.index.json", some), ("training_args.bin", some), ("model.pt", some), ("consolidated.safetensors", some),
            ("model-Q4_K_M.gguf", some),
            ("original/consolidated.00.pth", some), ("original/params.json", some), ("onnx/model.onnx", some), ("onnx/config.json", some));
        string folder = await Client().DownloadAsync("acme/crowded");

        string[] expected =
        [
            "additional_chat_templates/tools.jinja", "chat_template.jinja", "config.json", "merges.txt", "model.safetensors",
            "tokenizer.json", "tokenizer.model",
        ];
        Assert.That(HubCache.Look("acme/crowded", cache: Cache).Files, Is.EqualTo(expected));
        Assert.That(HubCache.Find("acme/crowded", cache: Cache), Is.EqualTo(folder));

        // By name too: a pattern takes what it matches, but no pickle.
        await Client().DownloadAsync("acme/crowded", files: HubFiles.Model.With("original/**", "*.gguf"));
        Assert.That(
            HubCache.Look("acme/crowded", cache: Cache).Files.Except(expected),
            Is.EquivalentTo(["model-Q4_K_M.gguf", "original/params.json"]));
        Assert.That(
            () => HubFiles.Matching("pytorch_model.bin"),
            Throws.InstanceOf<HubException>().With.Property("Kind").EqualTo(HubErrorKind.UnsafeFile));
    }

    [Test]
    public async Task Only_the_shards_that_the_index_names_are_fetched()
    {
        byte[] some = Encoding.UTF8.GetBytes("some");
        byte[] index = Encoding.UTF8.GetBytes("""
            {"weight_map":{"a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors"}}
            """);
        Hub.Content.Add(
            "acme/shards",
            ("config.json", "{}"u8.ToArray()), ("model.safetensors.index.json", index), ("model.safetensors", some),
            ("model.fp16.safetensors", some),
            ("model-00001-of-00002.safetensors", [1]), ("model-00002-of-00002.safetensors", [2]),
            ("model-00001-of-00003.safetensors", [3]));
        await Client().DownloadAsync("acme/shards");
        Assert.That(
            HubCache.Look("acme/shards", cache: Cache).Files,
            Is.EqualTo(
                ["config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"]));
    }

    [TestCase("""{"weight_map":{"a":"model-00009-of-00009.safetensors"}}""", HubErrorKind.FileNotFound)]
    [TestCase("""{"weight_map":{"a":"../../../escape.safetensors"}}""", HubErrorKind.Incomplete)]
    [TestCase("no JSON", HubErrorKind.Incomplete)]
    public async Task An_index_that_names_what_there_is_not_is_an_error(string index, HubErrorKind kind)
    {
        Hub.Content.Add("acme/odd", ("config.json", "{}"u8.ToArray()), ("model.safetensors.index.json", Encoding.UTF8.GetBytes(index)));
        await RefusedAsync(kind, () => Client().DownloadAsync("acme/odd"));
        Assert.That(() => HubCache.Find("acme/odd", cache: Cache), Throws.InstanceOf<HubException>());
    }

    [Test]
    public async Task A_repository_without_safetensors_says_what_it_lacks()
    {
        Hub.Content.Add("acme/pickled", ("config.json", "{}"u8.ToArray()), ("pytorch_model.bin", [1]));
        HubException error = await RefusedAsync(HubErrorKind.FileNotFound, () => Client().DownloadAsync("acme/pickled"));
        Assert.That(error.Files, Is.EqualTo(["model.safetensors"]));
        Assert.That(error.Code, Is.EqualTo("hub.file-not-found"));
        await RefusedAsync(HubErrorKind.FileNotFound, () => Client().DownloadAsync("acme/pickled", files: HubFiles.Matching("*.gguf")));
    }

    [Test]
    public async Task An_adapter_beside_a_configuration_is_asked_for_by_name()
    {
        Hub.Content.Add(
            "acme/trained",
            ("config.json", "{}"u8.ToArray()),
            ("adapter_config.json", "{}"u8.ToArray()),
            ("adapter_model.safetensors", [1]));
        await RefusedAsync(HubErrorKind.FileNotFound, () => Client().DownloadAsync("acme/trained"));
        string folder = await Client().DownloadAsync("acme/trained", files: HubFiles.Adapter);
        Assert.That(File.Exists(Path.Combine(folder, "adapter_model.safetensors")), Is.True);
    }

    [Test]
    public async Task A_large_file_comes_in_pieces_several_at_a_time_from_where_the_Hub_sends_them()
    {
        string path = await Client(Options(part: 4 << 20, connections: 4)).DownloadFileAsync(LargeFiles, "big.safetensors");
        await AssertBytesAsync(path, BytesOf("big.safetensors"));

        string[] pieces = [.. Enumerable.Range(0, 6).Select(i => $"bytes={(long)i << 22}-{Math.Min((long)(i + 1) << 22, BigBytes) - 1}")];
        HubExchange[] cdn = [.. Hub.Exchanges.Where(exchange => exchange.To == "CDN")];
        Assert.That(cdn.Select(exchange => exchange.Range), Is.EquivalentTo([.. pieces, $"bytes={6L << 22}-{BigBytes - 1}"]));
        Assert.That(Hub.Exchanges, Has.Length.EqualTo(2 + cdn.Length), "the Hub itself is asked once");
    }

    [Test]
    public async Task Pieces_go_on_when_the_place_that_the_Hub_named_is_over()
    {
        HubFault? over = null;
        var progress = new Arrivals(report =>
        {
            if (report.Bytes >= 8 << 20)
            {
                over ??= Hub.Break(new HubFault { AtCdn = true, Status = 403 });
            }

            return false;
        });
        string path =
            await Client(Options(part: 4 << 20, connections: 1)).DownloadFileAsync(LargeFiles, "big.safetensors", progress: progress);
        await AssertBytesAsync(path, BytesOf("big.safetensors"));
        Assert.That(Hub.Exchanges.Count(exchange => exchange is { To: "HUB", Method: "GET" }), Is.EqualTo(2));
    }

    [Test]
    public async Task A_server_without_ranges_gives_the_whole_file_in_one()
    {
        Hub.Break(new HubFault { AtCdn = true, IgnoreRange = true, Times = 99 });
        string path = await Client(Options(part: 1 << 16)).DownloadFileAsync(LargeFiles, "medium.safetensors");
        await AssertBytesAsync(path, BytesOf("medium.safetensors"));
        Assert.That(Hub.Exchanges.Count(exchange => exchange.To == "CDN"), Is.EqualTo(1));
    }

    [Test]
    public async Task A_download_that_the_caller_ends_is_gone_on_with_by_the_next()
    {
        using var caller = new CancellationTokenSource();
        Hub.Break(new HubFault { AtCdn = true, Method = "GET", Hold = 100_000 });
        Arrivals arrivals = Arrivals.Of(bytes: 100_000);
        Task<string> download =
            Client().DownloadFileAsync(LargeFiles, "medium.safetensors", progress: arrivals, cancellationToken: caller.Token);
        await Task.WhenAny(arrivals.Seen, download);
        await caller.CancelAsync();
        Assert.That(async () => await download, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(() => HubCache.Find(LargeFiles, cache: Cache), Throws.InstanceOf<HubException>());

        await Client().DownloadFileAsync(LargeFiles, "medium.safetensors");
        Assert.That(Hub.Exchanges[^1].Range, Is.EqualTo("bytes=100000-262223"));
    }

    [Test]
    public async Task Reports_grow_to_the_end_and_name_the_file()
    {
        var progress = new Arrivals(_ => false);
        await Client().DownloadAsync("acme/tiny-sharded", progress: progress);
        long total = Hub.Content.Repositories["acme/tiny-sharded"].Commits.Values.Single().Values.Sum(file => (long)file.Size);
        Assert.Multiple(() =>
        {
            Assert.That(progress.All[0], Is.EqualTo(new HubProgress(HubStage.Listing, null, 0, 0)));
            Assert.That(progress.All[^1], Is.EqualTo(new HubProgress(HubStage.Done, null, total, total)));
            Assert.That(progress.All.Select(report => report.Bytes), Is.Ordered);
            Assert.That(
                progress.All.Where(report => report.Stage == HubStage.Verifying).Select(report => report.File),
                Is.Unique.And.Exactly(5).Items);
        });
    }

    [Test]
    public async Task A_disk_that_is_too_small_for_one_file_or_for_the_index_of_a_model_is_told_before_a_byte_is_fetched()
    {
        byte[] index = Encoding.UTF8.GetBytes("""{"weight_map":{"a":"model-00001-of-00001.safetensors"}}""");
        Hub.Content.Add(
            "acme/large-index",
            ("config.json", "{}"u8.ToArray()), ("model.safetensors.index.json", index), ("model-00001-of-00001.safetensors", index));
        await RefusedAsync(HubErrorKind.Disk, () => Client(Options(free: _ => 10)).DownloadAsync("acme/large-index"));
        await RefusedAsync(HubErrorKind.Disk, () => Client(Options(free: _ => 10)).DownloadFileAsync(TinyLlama, "config.json"));
        Assert.That(Hub.Exchanges.Where(asked => asked.Method == "GET").Select(asked => asked.Target), Is.All.StartsWith("/api/"));
    }

    [Test]
    public async Task A_disk_without_room_is_an_error_before_the_first_byte()
    {
        HubException error = await RefusedAsync(HubErrorKind.Disk, () => Client(Options(free: _ => 1000)).DownloadAsync(TinyLlama));
        Assert.That(error.Message, Does.Contain("1000 left"));
        Assert.That(Hub.Exchanges.Select(exchange => exchange.Target), Is.All.StartsWith("/api/"));
        await Client(Options(free: _ => 20_000)).DownloadAsync(TinyLlama);
    }

    [Test]
    public async Task Many_callers_at_once_fetch_every_file_once()
    {
        HubClient client = Client();
        string[] folders =
            await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => client.DownloadAsync("acme/tiny-sharded"))));
        Assert.That(folders.Distinct(), Has.One.Items);
        Assert.That(
            Hub.Exchanges.Where(exchange => exchange.To == "CDN").Select(exchange => exchange.Target), Is.Unique.And.Exactly(2).Items);
    }

    [Test]
    public async Task The_program_s_own_client_of_a_factory_is_used()
    {
        using var log = new Lines();
        var services = new ServiceCollection();
        services.AddLogging(logging => logging.AddProvider(log));
        services.AddSingleton(Options());
        services.AddHttpClient<HubClient>().ConfigurePrimaryHttpMessageHandler(HubClient.CreateHandler);
        await using ServiceProvider provider = services.BuildServiceProvider();
        string folder = await provider.GetRequiredService<HubClient>().DownloadAsync(TinyLlama);
        Assert.That(HubCache.Find(TinyLlama, cache: Cache), Is.EqualTo(folder));
        Assert.That(log.Written, Has.Some.Contains(folder));
    }

    [Test]
    public void A_client_that_follows_redirections_by_itself_is_refused()
    {
        using var http = new HttpClient();
        using var client = new HubClient(http, Options());
        Assert.That(
            async () => await client.DownloadAsync(TinyLlama),
            Throws.InstanceOf<InvalidOptionException>().With.Message.Contain("CreateHandler"));
    }

    [Test]
    public void A_client_with_an_authorization_for_every_host_is_refused()
    {
        using var http = new HttpClient(HubClient.CreateHandler());
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "hf_good");
        Assert.That(() => new HubClient(http, Options()), Throws.InstanceOf<InvalidOptionException>());
    }

    [Test]
    public async Task A_host_that_sends_the_client_back_to_the_Hub_does_not_get_the_token_sent_there()
    {
        string back = $"{Hub.Hub}acme/private-model/resolve/main/config.json";
        Hub.Break(new HubFault { AtCdn = true, Status = 302, Headers = { ["Location"] = back } });
        await RefusedAsync(
            HubErrorKind.RepositoryNotFound, () => Client(Options(token: "hf_good")).DownloadFileAsync(TinyLlama, "model.safetensors"));
        Assert.That(
            Hub.Exchanges[^1],
            Is.EqualTo(
                Hub.Exchanges[^1] with { To = "HUB", Target = "/acme/private-model/resolve/main/config.json", Authorization = null }));
    }

    [TestCase("ftp://example.org/file")]
    [TestCase("/api/models/acme/tiny-llama/revision/main")]
    public async Task Redirections_that_lead_nowhere_are_an_error(string location)
    {
        Hub.Break(new HubFault { Status = 302, Headers = { ["Location"] = location }, Times = 99 });
        HubException error = await RefusedAsync(HubErrorKind.Protocol, () => Client().DownloadAsync(TinyLlama));
        Assert.That(error.Message, Does.Contain("redirects"));
        Assert.That(Hub.Exchanges, Has.Length.LessThanOrEqualTo(6));
    }

    [TestCase("""{"sha":"main"}""")]
    [TestCase("""[]""")]
    [TestCase("""<html>""")]
    public async Task A_description_that_names_no_commit_is_an_error(string body)
    {
        using var http = new HttpClient(new Fixed(body));
        using var client = new HubClient(http, Options());
        await RefusedAsync(HubErrorKind.Protocol, () => client.DownloadAsync(TinyLlama));
    }

    [TestCase("""[{"type":"file","path":"a.json","size":1,"oid":"x"}]""", HubErrorKind.Protocol)]
    [TestCase("""[{"type":"file","path":"a.json","size":-1,"oid":"26353c629af17c5c1074c9e90e98cdec74ffefb4"}]""", HubErrorKind.Protocol)]
    [TestCase("""[{"type":"file","path":7,"size":1,"oid":"26353c629af17c5c1074c9e90e98cdec74ffefb4"}]""", HubErrorKind.Protocol)]
    [TestCase("""[{"path":"a.json"}]""", HubErrorKind.Protocol)]
    [TestCase("""{"error":"no"}""", HubErrorKind.Protocol)]
    [TestCase("""
        [{"type":"file","path":"a","size":1,"oid":"26353c629af17c5c1074c9e90e98cdec74ffefb4"},
        {"type":"file","path":"a/b","size":1,"oid":"26353c629af17c5c1074c9e90e98cdec74ffefb4"}]
        """, HubErrorKind.UnsafeFile)]
    [TestCase(
        """[{"type":"file","path":"../a.json","size":1,"oid":"26353c629af17c5c1074c9e90e98cdec74ffefb4"}]""", HubErrorKind.UnsafeFile)]
    public async Task A_listing_that_is_none_is_an_error(string body, HubErrorKind kind)
    {
        using var http = new HttpClient(new Fixed(body));
        using var client = new HubClient(http, Options());
        await RefusedAsync(kind, () => client.DownloadAsync(TinyLlama, First));
        Assert.That(Directory.Exists(Cache), Is.False);
    }

    [TestCase(0, 10, 10, 10)]
    [TestCase(65, 10, 10, 10)]
    [TestCase(8, 0, 10, 10)]
    [TestCase(8, 10, -1, 10)]
    [TestCase(8, 10, 10, -1)]
    [TestCase(8, 10, 10, 86401)]
    public void Options_out_of_bounds_are_refused(int connections, int answer, int read, int wait)
    {
        var options = new HubOptions
        {
            MaxConnections = connections,
            AnswerTimeout = TimeSpan.FromSeconds(answer),
            ReadTimeout = TimeSpan.FromSeconds(read),
            MaxRetryWait = TimeSpan.FromSeconds(wait),
        };
        Assert.That(() => new HubClient(options), Throws.InstanceOf<InvalidOptionException>().With.Message.Contain("must be"));
    }

    [TestCase("ftp://example.org/")]
    [TestCase("example/mirror")]
    [TestCase("https://user:secret@example.org/")]
    [TestCase("https://example.org/?token=secret")]
    public void An_endpoint_that_is_none_is_refused_without_being_shown(string endpoint) => Assert.That(
        () => new HubClient(new HubOptions { Endpoint = new Uri(endpoint, UriKind.RelativeOrAbsolute) }),
        Throws.InstanceOf<InvalidOptionException>().With.Message.Not.Contain("example"));

    private byte[] BytesOf(string path) => Hub.Content.Repositories[LargeFiles].Commits.Values.Single()[path].Bytes;

    private sealed class Fixed(string body) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(body), RequestMessage = request });
    }

    private sealed class Lines : ILoggerProvider, ILogger
    {
        public List<string> Written { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (Written)
            {
                Written.Add(formatter(state, exception));
            }
        }

        public void Dispose()
        {
        }
    }
}
