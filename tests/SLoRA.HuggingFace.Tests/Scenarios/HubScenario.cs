using SLoRA.HuggingFace.Tests.Fake;
using SLoRA.HuggingFace.Tests.Layouts;

namespace SLoRA.HuggingFace.Tests.Scenarios;

/// <summary>A Hub, an empty cache and a clock for each test, and the words in which the scenarios are told.</summary>
public abstract class HubScenario
{
    private protected const string TinyLlama = "acme/tiny-llama";
    private protected const string First = "1b883fdddf78044b244a57e2108ced63b8308100";
    private protected const string Second = "11a537f32904761e4bef77824c40beede87d718d";
    private protected const string TinyLlamaFolder = "models--acme--tiny-llama";
    private protected const string ConfigBlob = "26353c629af17c5c1074c9e90e98cdec74ffefb4";
    private protected const string ModelBlob = "af7e37fc85796ff389214facbc99904bffed1d8abd8f0253a19601f76b7e18b3";
    private const string PickleBlob = "cca704dc8e77e33668e8ff7f234077d5e92fd9bc9ca5da59fdddc71cb850df01";

    private readonly List<HubClient> _clients = [];
    private TemporaryFolder _folder = null!;

    /// <summary>Everything, as a Python client without patterns takes it; only that ours leaves pickles out.</summary>
    private protected static HubFiles Everything { get; } = HubFiles.Matching("**");

    private protected FakeHub Hub { get; private set; } = null!;

    private protected InstantClock Clock { get; private set; } = null!;

    private protected string Cache => _folder.Of("hub");

    [SetUp]
    public async Task StartHub()
    {
        _folder = new TemporaryFolder();
        Clock = new InstantClock();
        Hub = await FakeHub.StartAsync();
    }

    [TearDown]
    public async Task StopHub()
    {
        _clients.ForEach(client => client.Dispose());
        _clients.Clear();
        await Hub.DisposeAsync();
        _folder.Dispose();
    }

    private protected string InCache(params string[] parts) => Path.Combine([Cache, .. parts]);

    private protected string Entry(string commit, string file) => InCache(TinyLlamaFolder, "snapshots", commit, file);

    /// <summary>
    /// What the tests' clients have in common: nothing of the environment, and timeouts that run out only when the clock is told so.
    /// </summary>
    private protected HubOptions Options(
        string? token = null,
        bool offline = false,
        bool usesLinks = true,
        int connections = 8,
        Uri? endpoint = null,
        long part = 64 << 20,
        bool checks = false,
        Func<string, long?>? free = null) => new()
        {
            Endpoint = endpoint ?? Hub.Hub,
            Cache = Cache,
            Token = token,
            Offline = offline,
            UsesLinks = usesLinks,
            MaxConnections = connections,
            ChecksCache = checks,
            AnswerTimeout = InstantClock.Patience,
            ReadTimeout = InstantClock.Patience,
            Clock = Clock,
            PartBytes = part,
            ReportedBytes = 1,
            FreeBytes = free ?? (_ => null),
        };

    private protected HubClient Client(HubOptions? options = null)
    {
        var client = new HubClient(options ?? Options());
        _clients.Add(client);
        return client;
    }

    private protected HubClient Offline() => Client(Options(offline: true));

    /// <summary>Does something, and gives the requests that it took.</summary>
    private protected async Task<HubExchange[]> RequestsOfAsync(Func<Task> action)
    {
        int before = Hub.Exchanges.Length;
        await action();
        return Hub.Exchanges[before..];
    }

    private protected static async Task<HubException> RefusedAsync(HubErrorKind kind, Func<Task> action)
    {
        HubException? error = null;
        try
        {
            await action();
        }
        catch (HubException refused)
        {
            error = refused;
        }

        Assert.That(error?.Kind, Is.EqualTo(kind), error?.Message);
        return error!;
    }

    /// <summary>Compares a file with its bytes; at once, since they may be many.</summary>
    private protected static async Task AssertBytesAsync(string path, byte[] bytes) =>
        Assert.That((await File.ReadAllBytesAsync(path)).AsSpan().SequenceEqual(bytes), Is.True, path);

    /// <summary>Compares the cache with what the other client left.</summary>
    /// <param name="layout">The layout.</param>
    /// <param name="differs">Changes the expectation where ours is to be another; a comment there says why.</param>
    private protected void AssertLayout(string layout, Action<SortedDictionary<string, string>>? differs = null)
    {
        SortedDictionary<string, string> expected = LayoutFixture.Read(layout).Expected();
        differs?.Invoke(expected);
        SortedDictionary<string, string> actual = LayoutEntry.Read(Cache);
        Assert.Multiple(() =>
        {
            Assert.That(expected.Where(entry => actual.GetValueOrDefault(entry.Key) != entry.Value), Is.Empty, "missing, or another");
            Assert.That(actual.Where(entry => !expected.ContainsKey(entry.Key)), Is.Empty, "too many");
        });
    }

    /// <summary>Stricter: pickles are not downloaded.</summary>
    private protected static void WithoutPickles(SortedDictionary<string, string> layout) =>
        Remove(
            layout,
            path => path.Contains(PickleBlob, StringComparison.Ordinal) || path.EndsWith("/pytorch_model.bin", StringComparison.Ordinal));

    /// <summary>Stricter: a name is noted when it leads to something that is there, and a folder is made for a file.</summary>
    private protected static void WithoutNamesOfNothing(SortedDictionary<string, string> layout) =>
        Remove(layout, path => path.Contains("/refs", StringComparison.Ordinal) || path.Contains("/snapshots", StringComparison.Ordinal));

    private static void Remove(SortedDictionary<string, string> layout, Predicate<string> isToGo)
    {
        foreach (string path in layout.Keys.Where(path => isToGo(path)).ToArray())
        {
            layout.Remove(path);
        }
    }
}
