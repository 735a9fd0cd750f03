using SLoRA.HuggingFace.Tests.Fake;
using SLoRA.HuggingFace.Tests.Layouts;

namespace SLoRA.HuggingFace.Tests.Scenarios;

/// <summary>Caches that others have filled or that somebody has tampered with, read and completed.</summary>
public sealed class ForeignCacheScenarioTests : HubScenario
{
    private const string LargeFiles = "acme/large-files";
    private const string Medium = "099d52c60c8d8ab812eca2c021fa8c834dc28dcd464022c204aca6dd4fb89afd";

    [Test]
    [Scenario("shared-blobs")]
    public async Task Shared_blobs_of_the_chunk_store_are_found_and_not_fetched_again()
    {
        LayoutFixture.Read("shared-blobs").Build(Cache);
        string model = HubCache.Find("acme/xet-model", cache: Cache);
        Assert.That(File.Exists(Path.Combine(model, "model.safetensors")), Is.True);
        Assert.That(await RequestsOfAsync(() => Client().DownloadAsync("acme/xet-model")), Has.Length.EqualTo(1), "which commit main is");
        await Client().DownloadFileAsync("acme/xet-twin", "model.safetensors");
        AssertLayout("shared-blobs");
    }

    [Test]
    public async Task A_link_into_the_chunk_store_whose_file_is_gone_becomes_a_file_of_the_repository()
    {
        LayoutFixture.Read("shared-blobs").Build(Cache);
        Directory.Delete(InCache("blobs"), recursive: true);
        Assert.That(HubCache.Look("acme/xet-model", cache: Cache).Missing, Is.EqualTo(["model.safetensors"]));
        string model = await Client().DownloadAsync("acme/xet-model");
        Assert.That(
            new FileInfo(InCache("models--acme--xet-model", "blobs", "e82cf67a08447748a7e4b68b311eb90bd43fc34d030ddebf3ef65d1533312cb8"))
                .LinkTarget,
            Is.Null);
        Assert.That(HubCache.Find("acme/xet-model", cache: Cache), Is.EqualTo(model));
    }

    [Test]
    [Scenario("odd-refs")]
    public async Task Odd_refs_written_by_hand_are_read_where_they_hold_a_commit()
    {
        await Client().DownloadAsync(TinyLlama, files: HubFiles.Matching("**/*.json", "model.safetensors"));
        (string Name, string Text)[] refs =
        [
            ("newline", First + "\n"), ("crlf", First + "\r\n"), ("empty", ""), ("text", "main"), ("upper", First.ToUpperInvariant()),
            ("absent", new string('0', 40)), ("escape", "../../../../../etc"),
        ];
        foreach ((string name, string text) in refs)
        {
            await File.WriteAllTextAsync(InCache(TinyLlamaFolder, "refs", name), text);
        }

        AssertLayout("odd-refs");

        // Stricter and kinder: Python trips over the line breaks, and takes the empty one for the folder of all snapshots. FindTests asks
        // all of them.
        Assert.That(HubCache.Find(TinyLlama, "crlf", cache: Cache), Does.EndWith(First));
        HubException error = await RefusedAsync(HubErrorKind.RevisionNotCached, () => Offline().DownloadAsync(TinyLlama, "empty"));
        Assert.That(error.Message, Does.Contain("'empty'"));
    }

    [Test]
    [Scenario("foreign-files")]
    public async Task Foreign_files_are_neither_taken_for_something_nor_touched()
    {
        LayoutFixture.Read("foreign-files").Build(Cache);
        Assert.That(HubCache.Find(TinyLlama, cache: Cache), Does.EndWith(First));
        Assert.That(await RequestsOfAsync(() => Client().DownloadAsync(TinyLlama)), Has.Length.EqualTo(1));
        AssertLayout("foreign-files");

        await Client().DownloadAsync("acme/tiny-sharded");
        SortedDictionary<string, string> after = LayoutEntry.Read(Cache);
        Assert.That(
            LayoutFixture.Read("foreign-files").Expected().Where(entry => after.GetValueOrDefault(entry.Key) != entry.Value), Is.Empty);
        Assert.That(HubCache.Find("acme/tiny-sharded", cache: Cache), Is.Not.Null);
    }

    [Test]
    [Scenario("older-client")]
    public async Task Older_client_leaves_no_listing_and_all_the_files()
    {
        LayoutFixture.Read("older-client-snapshot").Build(Cache);
        Assert.That(HubCache.Find(TinyLlama, cache: Cache), Does.EndWith(First));
        Assert.That(await RequestsOfAsync(() => Offline().DownloadAsync(TinyLlama)), Is.Empty);

        HubExchange[] online = await RequestsOfAsync(() => Client().DownloadAsync(TinyLlama));
        Assert.That(online.Select(exchange => exchange.Target), Is.All.StartsWith("/api/"), "the listing, and no file");
        AssertLayout("older-client-snapshot", layout =>
        {
            SortedDictionary<string, string> newer = LayoutFixture.Read("snapshot-full").Expected();
            layout[$"{TinyLlamaFolder}/trees"] = "folder";
            layout[$"{TinyLlamaFolder}/trees/{First}.json"] = newer[$"{TinyLlamaFolder}/trees/{First}.json"];
        });
    }

    [Test]
    public async Task A_whole_cache_that_cannot_be_written_to_is_good_enough()
    {
        LayoutFixture.Read("older-client-snapshot").Build(Cache);
        await File.WriteAllTextAsync(InCache(TinyLlamaFolder, "trees"), "in the place of a folder");
        Assert.That(await Client().DownloadAsync(TinyLlama), Does.EndWith(First));

        Hub.Move(TinyLlama);
        Directory.Delete(InCache(TinyLlamaFolder, "blobs"), recursive: true);
        await File.WriteAllTextAsync(InCache(TinyLlamaFolder, "blobs"), "in the place of a folder");
        await RefusedAsync(HubErrorKind.Disk, () => Client().DownloadAsync(TinyLlama));
    }

    [Test]
    [Scenario("older-client-killed")]
    public async Task Older_client_killed_what_it_left_is_not_taken_over()
    {
        LayoutFixture.Read("older-client-killed-left").Build(Cache);
        SortedDictionary<string, string> left = LayoutEntry.Read(Cache);
        await Client().DownloadFileAsync(LargeFiles, "medium.safetensors");
        string theirs = $"models--acme--large-files/blobs/{Medium}.incomplete";
        AssertLayout("older-client-killed-after", layout =>
        {
            // It may be somebody's who still runs.
            layout[theirs] = left[theirs];
            layout["CACHEDIR.TAG"] = LayoutFixture.Read("file-main").Expected()["CACHEDIR.TAG"];
        });
        Assert.That(Hub.Exchanges.Select(exchange => exchange.Range), Is.All.Null);
    }

    [Test]
    [Scenario("older-client-incomplete")]
    public async Task Older_client_incomplete_zeros_and_too_many_bytes_never_become_the_file()
    {
        byte[] bytes = Hub.Content.Repositories[LargeFiles].Commits.Values.Single()["medium.safetensors"].Bytes;
        byte[][] left = [bytes, new byte[bytes.Length], new byte[bytes.Length / 2], new byte[bytes.Length + 1]];
        foreach (byte[] partial in left)
        {
            if (Directory.Exists(Cache))
            {
                Directory.Delete(Cache, recursive: true);
            }

            Directory.CreateDirectory(InCache("models--acme--large-files", "blobs"));
            await File.WriteAllBytesAsync(InCache("models--acme--large-files", "blobs", Medium + ".incomplete"), partial);
            string path = await Client().DownloadFileAsync(LargeFiles, "medium.safetensors");
            await AssertBytesAsync(path, bytes);
        }
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Wrong_bytes_that_another_client_took_are_found_where_that_is_asked_for(bool usesLinks)
    {
        LayoutFixture.Read("wrong-content").Build(Cache);
        byte[] notes = Hub.Content.Repositories[LargeFiles].Commits.Values.Single()["notes.txt"].Bytes;
        byte[] model = Hub.Content.Repositories[TinyLlama].Commits[First]["model.safetensors"].Bytes;
        string wrong = await Client().DownloadFileAsync(LargeFiles, "notes.txt");
        Assert.That((await File.ReadAllBytesAsync(wrong)).AsSpan().SequenceEqual(notes), Is.False, "believed by its size");

        HubClient careful = Client(Options(usesLinks: usesLinks, checks: true));
        await AssertBytesAsync(await careful.DownloadFileAsync(LargeFiles, "notes.txt"), notes);
        string folder = await careful.DownloadAsync(TinyLlama, First);
        await AssertBytesAsync(Path.Combine(folder, "model.safetensors"), model);
        Assert.That(await RequestsOfAsync(() => careful.DownloadAsync(TinyLlama, First)), Is.Empty, "all is right now");
    }

    [Test]
    public async Task Zeros_in_a_partial_file_of_our_own_are_found_out_and_fetched_anew()
    {
        byte[] bytes = Hub.Content.Repositories[LargeFiles].Commits.Values.Single()["medium.safetensors"].Bytes;
        string partial = InCache("models--acme--large-files", "blobs", Medium + ".slora.incomplete");
        Directory.CreateDirectory(Path.GetDirectoryName(partial)!);
        await File.WriteAllBytesAsync(partial, new byte[200_000]);
        await File.WriteAllTextAsync(partial + ".parts", "0 200000\n");
        var progress = new Arrivals(_ => false);
        string path = await Client().DownloadFileAsync(LargeFiles, "medium.safetensors", progress: progress);

        await AssertBytesAsync(path, bytes);
        Assert.That(
            Hub.Exchanges.Where(exchange => exchange.To == "CDN").Select(exchange => exchange.Range),
            Is.EqualTo(["bytes=200000-262223", null]));
        Assert.That(progress.All[^1], Is.EqualTo(new HubProgress(HubStage.Done, "medium.safetensors", bytes.Length, bytes.Length)));
        Assert.That(Directory.GetFiles(Path.GetDirectoryName(partial)!), Has.Length.EqualTo(1));
    }
}
