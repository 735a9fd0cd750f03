using SLoRA.HuggingFace.Tests.Fake;

namespace SLoRA.HuggingFace.Tests.Scenarios;

/// <summary>One file at a time.</summary>
public sealed class FileScenarioTests : HubScenario
{
    [Test]
    [Scenario("file-main")]
    public async Task File_main_one_file_of_main_first_again_by_commit_and_offline()
    {
        string path = "";
        HubExchange[] first = await RequestsOfAsync(async () => path = await Client().DownloadFileAsync(TinyLlama, "config.json"));
        Assert.That(path, Is.EqualTo(Entry(First, "config.json")));
        Assert.That(first.Select(exchange => exchange.Method), Is.EqualTo(["HEAD", "GET"]));
        AssertLayout("file-main");

        Assert.That(await RequestsOfAsync(() => Client().DownloadFileAsync(TinyLlama, "config.json")), Has.Length.EqualTo(1), "again");
        Assert.That(await RequestsOfAsync(() => Client().DownloadFileAsync(TinyLlama, "config.json", First)), Is.Empty, "by commit");
        Assert.That(
            await RequestsOfAsync(async () => path = await Offline().DownloadFileAsync(TinyLlama, "config.json")), Is.Empty, "offline");
        Assert.That(path, Is.EqualTo(Entry(First, "config.json")));
        await RefusedAsync(HubErrorKind.Incomplete, () => Offline().DownloadFileAsync(TinyLlama, "tokenizer.json"));

        // Stricter: a folder with one file in it is no model. The Python client returns it.
        HubException incomplete = await RefusedAsync(HubErrorKind.Incomplete, () => Offline().DownloadAsync(TinyLlama));
        Assert.That(incomplete.Files, Is.EqualTo(["model.safetensors"]));
        AssertLayout("file-main");
    }

    [Test]
    [Scenario("no-exist")]
    public async Task No_exist_a_file_that_the_repository_does_not_have()
    {
        HubException error =
            await RefusedAsync(HubErrorKind.FileNotFound, () => Client().DownloadFileAsync(TinyLlama, "adapter_config.json"));
        Assert.That(error.Message, Does.Contain("adapter_config.json"));
        await RefusedAsync(HubErrorKind.FileNotFound, () => Client().DownloadFileAsync(TinyLlama, "adapter_config.json"));
        await RefusedAsync(HubErrorKind.FileNotFound, () => Client().DownloadFileAsync(TinyLlama, "a/b.json", First));
        await RefusedAsync(HubErrorKind.Incomplete, () => Offline().DownloadFileAsync(TinyLlama, "adapter_config.json"));
        AssertLayout("no-exist", WithoutNamesOfNothing);
    }

    [Test]
    [Scenario("no-owner-weak-etag")]
    public async Task No_owner_weak_etag_a_repository_without_an_owner()
    {
        await Client().DownloadFileAsync("gpt-mini", "config.json");
        AssertLayout("no-owner-weak-etag");
    }

    [Test]
    [Scenario("renamed")]
    public async Task Renamed_a_repository_keeps_the_name_that_was_asked_for_and_the_token_follows_on_the_same_host()
    {
        HubClient client = Client(Options(token: "hf_good"));
        await client.DownloadFileAsync("acme/old-name", "config.json");
        await client.DownloadAsync("acme/old-name", files: HubFiles.Matching("config.json"));
        AssertLayout("renamed");
        Assert.That(Hub.Exchanges.Select(exchange => exchange.Authorization), Is.All.EqualTo("Bearer hf_good"));
        Assert.That(
            Hub.Exchanges.Count(exchange => exchange.Target.Contains("tiny-llama", StringComparison.Ordinal)),
            Is.GreaterThan(2),
            "redirected");
    }

    [Test]
    [Scenario("cdn")]
    public async Task Cdn_the_token_goes_to_the_Hub_and_to_no_other_host()
    {
        HubClient client = Client(Options(token: "hf_good"));
        await client.DownloadFileAsync(TinyLlama, "model.safetensors");
        await client.DownloadFileAsync("acme/xet-model", "model.safetensors");
        AssertLayout("cdn");

        HubExchange[] cdn = [.. Hub.Exchanges.Where(exchange => exchange.To == "CDN")];
        Assert.That(cdn, Has.Length.EqualTo(2));
        Assert.That(cdn.Select(exchange => exchange.Authorization), Is.All.Null);
        Assert.That(Hub.Exchanges.Except(cdn).Select(exchange => exchange.Authorization), Is.All.EqualTo("Bearer hf_good"));
    }

    [Test]
    [Scenario("gzip-body")]
    public async Task Gzip_body_is_decoded_before_it_is_hashed()
    {
        Hub.Break(new HubFault { Method = "GET", Match = "resolve", Gzip = true });
        await Client().DownloadFileAsync(TinyLlama, "tokenizer.json");
        AssertLayout("gzip-body");

        // Ours asks for the bytes as they are; the server of this scenario compresses nevertheless.
        Assert.That(Hub.Exchanges.Select(exchange => exchange.AcceptEncoding), Is.All.EqualTo("identity"));
    }

    [Test]
    [Scenario("missing-headers")]
    public async Task Missing_headers_no_commit_no_etag_no_size()
    {
        HubFault Without(string header) => new() { Method = "HEAD", Match = "resolve", Set = { [header] = null } };

        Hub.Break(Without("X-Repo-Commit"));
        await RefusedAsync(HubErrorKind.Protocol, () => Client().DownloadFileAsync(TinyLlama, "config.json"));
        Hub.Break(Without("ETag"));
        await RefusedAsync(HubErrorKind.Protocol, () => Client().DownloadFileAsync(TinyLlama, "config.json"));
        Assert.That(Hub.Exchanges, Has.Length.EqualTo(2), "no body was asked for");

        Hub.Break(Without("X-Linked-Size"));
        await Client().DownloadFileAsync(TinyLlama, "model.safetensors");
        AssertLayout("missing-headers", WithoutPickles);

        // The scenario asks for a pickle here, which ours refuses.
        await RefusedAsync(HubErrorKind.UnsafeFile, () => Client().DownloadFileAsync(TinyLlama, "pytorch_model.bin"));
        Hub.Break(Without("X-Linked-ETag"));
        string path = await Client().DownloadFileAsync("acme/tenant-adapter", "adapter_model.safetensors");
        HubFile served = Hub.Content.Repositories["acme/tenant-adapter"].Commits.Values.Single()["adapter_model.safetensors"];
        await AssertBytesAsync(path, served.Bytes);
    }

    [Test]
    [Scenario("wrong-content")]
    public async Task Wrong_content_other_lengths_and_other_bytes_are_refused_and_nothing_is_left()
    {
        foreach (int size in new[] { 30000, 50000 })
        {
            Hub.Break(new HubFault { Method = "GET", Match = "notes", Size = size });
            await RefusedAsync(HubErrorKind.WrongContent, () => Client().DownloadFileAsync("acme/large-files", "notes.txt"));
        }

        Hub.Break(new HubFault { AtCdn = true, Size = 1000 });
        await RefusedAsync(HubErrorKind.WrongContent, () => Client().DownloadFileAsync(TinyLlama, "model.safetensors"));
        AssertLayout("wrong-content-refused", WithoutNamesOfNothing);

        // Stricter: the Python client takes any bytes of the right length, and layout-wrong-content shows them under the hash of others.
        Hub.Break(new HubFault { Method = "GET", Match = "notes", Corrupt = true });
        HubException git = await RefusedAsync(HubErrorKind.WrongContent, () => Client().DownloadFileAsync("acme/large-files", "notes.txt"));
        Hub.Break(new HubFault { AtCdn = true, Corrupt = true });
        HubException lfs = await RefusedAsync(HubErrorKind.WrongContent, () => Client().DownloadFileAsync(TinyLlama, "model.safetensors"));
        Assert.That(git.Files.Concat(lfs.Files), Is.EqualTo(["notes.txt", "model.safetensors"]));
        AssertLayout("wrong-content-refused", WithoutNamesOfNothing);
    }
}
