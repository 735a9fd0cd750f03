using SLoRA.HuggingFace.Tests.Fake;

namespace SLoRA.HuggingFace.Tests.Scenarios;

/// <summary>Whole revisions.</summary>
public sealed class SnapshotScenarioTests : HubScenario
{
    [Test]
    [Scenario("snapshot-full")]
    public async Task Snapshot_full_the_whole_repository_first_again_by_commit_and_offline()
    {
        string folder = "";
        HubExchange[] first = await RequestsOfAsync(async () => folder = await Client().DownloadAsync(TinyLlama, files: Everything));
        Assert.That(folder, Is.EqualTo(Entry(First, "").TrimEnd('/')));
        AssertLayout("snapshot-full", WithoutPickles);

        // Fewer: the listing has given the hashes already, so that no file is asked for its own.
        Assert.That(first.Select(exchange => exchange.Method), Is.All.EqualTo("GET"));
        Assert.That(first, Has.Length.EqualTo(1 + 3 + 8 + 2), "revision, pages, small files, weights by the CDN");

        Assert.That(await RequestsOfAsync(() => Client().DownloadAsync(TinyLlama, files: Everything)), Has.Length.EqualTo(1), "again");
        Assert.That(await RequestsOfAsync(() => Client().DownloadAsync(TinyLlama, First, Everything)), Is.Empty, "by commit");
        Assert.That(await RequestsOfAsync(() => Offline().DownloadAsync(TinyLlama)), Is.Empty, "offline");
        Assert.That(HubCache.Find(TinyLlama, cache: Cache), Is.EqualTo(folder));
        AssertLayout("snapshot-full", WithoutPickles);
    }

    [Test]
    [Scenario("snapshot-patterns")]
    public async Task Snapshot_patterns_safetensors_json_and_templates_and_sharded_weights_behind_another_redirection()
    {
        // A star of the Python client's patterns crosses folders; ours does not.
        await Client().DownloadAsync(TinyLlama, files: HubFiles.Matching("**/*.safetensors", "**/*.json", "**/*.jinja"));
        await Client().DownloadAsync("acme/tiny-sharded");
        AssertLayout("snapshot-patterns");

        // Neither a file that was not asked for nor its absence changes what is there.
        Assert.That(await RequestsOfAsync(() => Offline().DownloadAsync(TinyLlama)), Is.Empty);
    }

    [Test]
    [Scenario("revisions")]
    public async Task Revisions_tag_branch_with_a_slash_pull_request_short_and_full_commit()
    {
        HubClient client = Client();
        HubFiles config = HubFiles.Matching("config.json");
        await client.DownloadAsync(TinyLlama, "v1.0", config);
        await client.DownloadAsync(TinyLlama, "feature/long-context", config);
        await client.DownloadAsync(TinyLlama, "refs/pr/1", HubFiles.Matching("README.md"));
        await client.DownloadFileAsync(TinyLlama, "config.json", "11a537f");
        await client.DownloadAsync(TinyLlama, Second, HubFiles.Matching("config.json", "tokenizer.json"));
        Assert.That(await Offline().DownloadFileAsync(TinyLlama, "config.json", "11a537f"), Is.EqualTo(Entry(Second, "config.json")));
        await RefusedAsync(HubErrorKind.Incomplete, () => Offline().DownloadFileAsync(TinyLlama, "config.json", "11a537f32"));
        await RefusedAsync(HubErrorKind.RevisionNotCached, () => Offline().DownloadAsync(TinyLlama));
        await RefusedAsync(HubErrorKind.RevisionNotFound, () => client.DownloadFileAsync(TinyLlama, "config.json", "nope"));
        await RefusedAsync(HubErrorKind.RevisionNotFound, () => client.DownloadAsync(TinyLlama, "nope"));

        // A tag that is deleted at the Hub is an error, although its files are here.
        Hub.Break(new HubFault { Match = "resolve", Status = 404, Headers = { ["X-Error-Code"] = "RevisionNotFound" } });
        await RefusedAsync(HubErrorKind.RevisionNotFound, () => client.DownloadFileAsync(TinyLlama, "config.json", "v1.0"));
        Hub.Break(new HubFault { Match = "/api/", Status = 404, Headers = { ["X-Error-Code"] = "RevisionNotFound" } });
        await RefusedAsync(HubErrorKind.RevisionNotFound, () => client.DownloadAsync(TinyLlama, "v1.0", config));
        AssertLayout("revisions");
    }

    [Test]
    [Scenario("moved-ref")]
    public async Task Moved_ref_main_moves_between_two_downloads_and_unchanged_files_are_shared()
    {
        await Client().DownloadAsync(TinyLlama, files: Everything);
        Hub.Move(TinyLlama);
        await Client().DownloadFileAsync(TinyLlama, "config.json");
        AssertLayout("moved-ref-one-file", WithoutPickles);
        await RefusedAsync(HubErrorKind.Incomplete, () => Offline().DownloadFileAsync(TinyLlama, "model.safetensors"));

        HubExchange[] moved = await RequestsOfAsync(() => Client().DownloadAsync(TinyLlama, files: Everything));
        Assert.That(moved.Count(exchange => exchange.To == "CDN"), Is.EqualTo(1), "only the weights have changed");
        AssertLayout("moved-ref", WithoutPickles);
        Assert.That(HubCache.Find(TinyLlama, cache: Cache), Does.EndWith(Second));
        Assert.That(HubCache.Find(TinyLlama, First, cache: Cache), Does.EndWith(First));
    }

    [Test]
    [Scenario("adapters")]
    public async Task Adapters_a_repository_of_its_own_and_two_in_subfolders_of_one_repository()
    {
        HubClient client = Client();
        await client.DownloadAsync("acme/tenant-adapter", files: Everything);
        await client.DownloadFileAsync("acme/adapter-pack", "adapters/de/adapter_config.json");
        string folder = await client.DownloadAsync("acme/adapter-pack", files: HubFiles.Model.In("adapters/en"));
        AssertLayout("adapters");

        Assert.That(folder, Does.EndWith(Path.Combine("adapters", "en")));
        Assert.That(HubCache.Find("acme/adapter-pack", files: HubFiles.Adapter.In("adapters/en"), cache: Cache), Is.EqualTo(folder));
        HubException half = await RefusedAsync(
            HubErrorKind.Incomplete, () => Offline().DownloadAsync("acme/adapter-pack", files: HubFiles.Adapter.In("adapters/de")));
        Assert.That(half.Files, Is.EqualTo(["adapters/de/adapter_model.safetensors"]));
    }

    [Test]
    [Scenario("copies")]
    public async Task Copies_without_links_each_commit_has_its_own_files()
    {
        HubClient client = Client(Options(usesLinks: false));
        await client.DownloadAsync(TinyLlama, files: Everything);
        Hub.Move(TinyLlama);
        HubExchange[] moved = await RequestsOfAsync(() => client.DownloadAsync(TinyLlama, files: Everything));
        AssertLayout("copies", WithoutPickles);
        Assert.That(
            moved.Count(exchange => exchange.Target.Contains("/resolve/", StringComparison.Ordinal)), Is.EqualTo(8), "unchanged files too");
        Assert.That(await RequestsOfAsync(() => client.DownloadAsync(TinyLlama, files: Everything)), Has.Length.EqualTo(1), "again");
        Assert.That(await RequestsOfAsync(() => Offline().DownloadAsync(TinyLlama)), Is.Empty, "offline");
    }

    [Test]
    [Scenario("copies-patched")]
    public async Task Copies_patched_is_the_same_whatever_the_reason_is()
    {
        await Client(Options(usesLinks: false)).DownloadAsync(TinyLlama, files: Everything);
        AssertLayout("copies-patched", WithoutPickles);
    }

    [Test]
    [Scenario("links-then-copies")]
    public async Task Links_then_copies_a_copy_lies_beside_the_blob()
    {
        await Client().DownloadAsync(TinyLlama, files: Everything);
        Hub.Move(TinyLlama);
        HubExchange[] moved = await RequestsOfAsync(() => Client(Options(usesLinks: false)).DownloadAsync(TinyLlama, files: Everything));
        AssertLayout("links-then-copies", WithoutPickles);
        Assert.That(moved.Count(exchange => exchange.Target.Contains("/resolve/", StringComparison.Ordinal)), Is.EqualTo(2), "what is new");
    }

    [Test]
    [Scenario("deleted-blob")]
    public async Task Deleted_blob_a_dangling_link_is_found_out_and_mended()
    {
        await Client().DownloadAsync(TinyLlama, files: Everything);
        File.Delete(InCache(TinyLlamaFolder, "blobs", ModelBlob));
        AssertLayout("deleted-blob", WithoutPickles);
        await RefusedAsync(HubErrorKind.Incomplete, () => Offline().DownloadFileAsync(TinyLlama, "model.safetensors"));
        HubException error = await RefusedAsync(HubErrorKind.Incomplete, () => Offline().DownloadAsync(TinyLlama));
        Assert.That(error.Files, Is.EqualTo(["model.safetensors"]));

        await Client().DownloadFileAsync(TinyLlama, "model.safetensors");
        AssertLayout("snapshot-full", WithoutPickles);

        // By commit, where nothing is asked while all is there.
        File.Delete(InCache(TinyLlamaFolder, "blobs", ConfigBlob));
        HubExchange[] mended = await RequestsOfAsync(() => Client().DownloadAsync(TinyLlama, First));
        Assert.That(mended.Select(exchange => exchange.Target), Is.EqualTo([$"/{TinyLlama}/resolve/{First}/config.json"]));
        AssertLayout("snapshot-full", WithoutPickles);
    }

    [Test]
    [Scenario("deleted-snapshot")]
    public async Task Deleted_snapshot_is_made_again_of_blobs_that_are_there()
    {
        HubFiles two = HubFiles.Matching("config.json", "model.safetensors");
        await Client().DownloadAsync(TinyLlama, files: two);
        Directory.Delete(InCache(TinyLlamaFolder, "snapshots"), recursive: true);
        AssertLayout("deleted-snapshot");
        await RefusedAsync(HubErrorKind.RevisionNotCached, () => Offline().DownloadAsync(TinyLlama));

        HubExchange[] again = await RequestsOfAsync(() => Client().DownloadAsync(TinyLlama, files: two));
        Assert.That(again, Has.Length.EqualTo(1), "which commit main is, and nothing else");
        Assert.That(HubCache.Find(TinyLlama, cache: Cache), Does.EndWith(First));
    }

    [Test]
    [Scenario("missing-shard")]
    public async Task Missing_shard_the_folder_is_there_and_a_shard_is_not()
    {
        const string shard = "d949ff13fa53781c41fe5c3e4a3f3a3aa598c3879df92268a1e551c7f1278520";
        Hub.Break(new HubFault { AtCdn = true, Match = shard, Status = 403, Times = 99 });
        await RefusedAsync(HubErrorKind.Unauthorized, () => Client(Options(connections: 1)).DownloadAsync("acme/tiny-sharded"));

        // Stricter: main is noted when all is there, so that it never leads to a half.
        AssertLayout("missing-shard", layout =>
        {
            layout.Remove("models--acme--tiny-sharded/refs");
            layout.Remove("models--acme--tiny-sharded/refs/main");
        });
        HubSnapshot half = HubCache.Look("acme/tiny-sharded", "f21af2143cd749da2f0885e908cab36a29872f3a", cache: Cache);
        Assert.That(half.Missing, Is.EqualTo(["model-00002-of-00002.safetensors"]));

        Hub.Reset();
        HubExchange[] again = await RequestsOfAsync(() => Client().DownloadAsync("acme/tiny-sharded"));
        Assert.That(again.Count(exchange => exchange.To == "CDN"), Is.EqualTo(1));
        Assert.That(HubCache.Find("acme/tiny-sharded", cache: Cache), Is.Not.Null);
    }
}
