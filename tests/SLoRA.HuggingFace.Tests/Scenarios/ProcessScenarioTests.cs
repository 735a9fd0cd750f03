using System.Globalization;
using SLoRA.HuggingFace.Cache;
using SLoRA.HuggingFace.Tests.Fake;
using SLoRA.HuggingFace.Tests.Layouts;

namespace SLoRA.HuggingFace.Tests.Scenarios;

/// <summary>Several processes at one cache, and processes that were killed.</summary>
public sealed class ProcessScenarioTests : HubScenario
{
    private const string Medium = "099d52c60c8d8ab812eca2c021fa8c834dc28dcd464022c204aca6dd4fb89afd";
    private const string MediumFolder = "models--acme--large-files";

    /// <summary>Runs in a process of its own: downloads into a cache, and writes each stage and the bytes that are there.</summary>
    public static async Task DownloadAsync(string[] arguments)
    {
        (string endpoint, string cache, string repository, string file) = (arguments[0], arguments[1], arguments[2], arguments[3]);
        using var client = new HubClient(new HubOptions
        {
            Endpoint = new Uri(endpoint),
            Cache = cache,
            Token = null,
            Offline = false,
            NotedBytes = 1,
            ReportedBytes = 1,
        });
        var progress = new Lines();
        await (file.Length > 0
            ? client.DownloadFileAsync(repository, file, progress: progress)
            : client.DownloadAsync(repository, progress: progress));
    }

    [Test]
    [Scenario("killed-and-again")]
    public async Task Killed_and_again_the_next_run_goes_on_where_the_killed_one_was()
    {
        Hub.Break(new HubFault { AtCdn = true, Method = "GET", Hold = 131072 });
        using (ChildProcess child = Start("acme/large-files", "medium.safetensors"))
        {
            await child.ReadUntilAsync(line => line.StartsWith("Downloading ", StringComparison.Ordinal) && BytesOf(line) >= 131072);
            await child.KillAsync();
        }

        // The part that arrived has one name for all runs, so that the next one finds it, and notes beside it.
        AssertLayout("killed-and-again-left", layout =>
        {
            WithoutNamesOfNothing(layout);
            string theirs = layout.Keys.Single(path => path.EndsWith(".incomplete", StringComparison.Ordinal));
            string ours = $"{MediumFolder}/blobs/{Medium}.slora.incomplete";
            layout[ours] = layout[theirs];
            layout[ours + ".parts"] =
                LayoutEntry.OfFile(File.ReadAllBytes(InCache(MediumFolder, "blobs", Medium + ".slora.incomplete.parts")));
            layout.Remove(theirs);
        });

        await Client().DownloadFileAsync("acme/large-files", "medium.safetensors");
        Assert.That(Hub.Exchanges[^1].Range, Is.EqualTo("bytes=131072-262223"), "the Python client fetches the whole file again");

        // Tidier: nothing of the killed run stays.
        AssertLayout(
            "killed-and-again-after",
            layout => layout.Remove(layout.Keys.Single(path => path.EndsWith(".incomplete", StringComparison.Ordinal))));
    }

    [Test]
    [Scenario("two-processes")]
    public async Task Two_processes_one_downloads_and_the_other_only_links()
    {
        await TogetherAsync(
            TinyLlama,
            "model.safetensors",
            () => Client().DownloadFileAsync(TinyLlama, "model.safetensors", progress: _waiting = Arrivals.Of(HubStage.Waiting)));
        await TogetherAsync(
            "acme/tiny-sharded", "", () => Client().DownloadAsync("acme/tiny-sharded", progress: _waiting = Arrivals.Of(HubStage.Waiting)));
        AssertLayout("two-processes");
        Assert.That(Hub.Exchanges.Where(exchange => exchange.To == "CDN").Select(exchange => exchange.Target), Is.Unique);
    }

    [Test]
    [Scenario("lock-held")]
    public async Task Lock_held_by_flock_makes_the_client_wait()
    {
        using ChildProcess holder = await HoldAsync(InCache(".locks", TinyLlamaFolder, ConfigBlob + ".lock"));
        Arrivals arrivals = Arrivals.Of(HubStage.Waiting);
        Task<string> download = Client().DownloadFileAsync(TinyLlama, "config.json", progress: arrivals);
        await Task.WhenAny(arrivals.Seen, download);
        Assert.That(Hub.Exchanges.Select(exchange => exchange.Method), Is.EqualTo(["HEAD"]));
        Assert.That(download.IsCompleted, Is.False);

        holder.CloseInput();
        await download;
        AssertLayout("file-main");
    }

    [Test]
    public async Task A_caller_who_gives_up_stops_waiting_for_a_lock()
    {
        using ChildProcess holder = await HoldAsync(InCache(".locks", TinyLlamaFolder, ConfigBlob + ".lock"));
        using var caller = new CancellationTokenSource();
        Arrivals arrivals = Arrivals.Of(HubStage.Waiting);
        Task<string> download = Client().DownloadFileAsync(TinyLlama, "config.json", progress: arrivals, cancellationToken: caller.Token);
        await Task.WhenAny(arrivals.Seen, download);
        await caller.CancelAsync();
        Assert.That(async () => await download, Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public async Task Our_lock_keeps_flock_out()
    {
        RequireFlock();
        string path = InCache("a.lock");
        using (BlobLock held = await BlobLock.TakeAsync(path, Clock, () => { }, CancellationToken.None))
        {
            Assert.That(held.IsReal, Is.True);
            using ChildProcess other = ChildProcess.StartTool("flock", "-n", path, "true");
            await other.EndAsync(exitCode: 1);
        }

        using ChildProcess later = ChildProcess.StartTool("flock", "-n", path, "true");
        await later.EndAsync();
    }

    [Test]
    public async Task Where_there_are_no_locks_every_process_writes_a_file_of_its_own_and_leaves_none()
    {
        HubFault hold = Hub.Break(new HubFault { AtCdn = true, Method = "GET", Hold = 1000, Times = 2 });
        using ChildProcess first = Start("acme/large-files", "medium.safetensors", "DOTNET_SYSTEM_IO_DISABLEFILELOCKING");
        using ChildProcess second = Start("acme/large-files", "medium.safetensors", "DOTNET_SYSTEM_IO_DISABLEFILELOCKING");
        foreach (ChildProcess child in new[] { first, second })
        {
            await child.ReadUntilAsync(line => line.StartsWith("Downloading ", StringComparison.Ordinal) && BytesOf(line) >= 1000);
        }

        string[] partial = Directory.GetFiles(InCache(MediumFolder, "blobs"), "*.slora.incomplete");
        hold.Release();
        await first.EndAsync();
        await second.EndAsync();
        Assert.That(partial, Has.Length.EqualTo(2));
        Assert.That(Directory.GetFiles(InCache(MediumFolder, "blobs")).Select(Path.GetFileName), Is.EqualTo([Medium]));
    }

    private Arrivals _waiting = null!;

    /// <summary>Lets another process begin, this one ask for the same, and the other one end.</summary>
    private async Task TogetherAsync(string repository, string file, Func<Task> second)
    {
        HubFault hold = Hub.Break(new HubFault { AtCdn = true, Method = "GET", Hold = 100 });
        using ChildProcess first = Start(repository, file);
        await hold.Reached;
        Task own = second();
        await Task.WhenAny(_waiting.Seen, own);
        Assert.That(own.IsCompleted, Is.False, "there is nothing yet");
        hold.Release();
        await own;
        await first.EndAsync();
    }

    private static void RequireFlock()
    {
        if (!File.Exists("/usr/bin/flock"))
        {
            Assert.Ignore("flock(1) is not here: that it and the client keep each other out is not shown.");
        }
    }

    private static async Task<ChildProcess> HoldAsync(string path)
    {
        RequireFlock();
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        ChildProcess holder = ChildProcess.StartTool("flock", path, "sh", "-c", "echo held; cat");
        await holder.ReadUntilAsync(line => line == "held");
        return holder;
    }

    private static long BytesOf(string line) => long.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture);

    private ChildProcess Start(string repository, string file, string? variable = null) =>
        ChildProcess.Start(DownloadAsync, variable, Hub.Hub.AbsoluteUri, Cache, repository, file);

    private sealed class Lines : IProgress<HubProgress>
    {
        public void Report(HubProgress value) =>
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{value.Stage} {value.Bytes}"));
    }
}
