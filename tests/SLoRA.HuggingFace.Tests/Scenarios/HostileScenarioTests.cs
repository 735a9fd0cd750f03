using SLoRA.HuggingFace.Tests.Fake;
using SLoRA.HuggingFace.Tests.Layouts;

namespace SLoRA.HuggingFace.Tests.Scenarios;

/// <summary>Names that a server may not choose, and names that a caller may not.</summary>
public sealed class HostileScenarioTests : HubScenario
{
    private const string Evil = "evil/paths";
    private const string EvilCommit = "4e64ef7469753f2c91b0e103bd9eb1f9c99a36ac";

    private static readonly string[] Accepted = ["good.txt", "GOOD.txt", "é-中文 space%20.txt", new string('n', 255)];

    [Test]
    [Scenario("hostile")]
    public async Task Hostile_names_of_files_etags_commits_repositories_and_revisions()
    {
        // Stricter: one name that no cache can hold, and nothing of the repository is fetched. Python fails when it comes to that file.
        HubException listed =
            await RefusedAsync(HubErrorKind.UnsafeFile, () => Client().DownloadAsync(Evil, files: HubFiles.Matching("good.txt")));
        Assert.That(listed.Files, Has.Count.EqualTo(1));
        Assert.That(Hub.Exchanges.Select(exchange => exchange.Target), Is.All.StartsWith("/api/"));
        Assert.That(Directory.Exists(Cache), Is.False);

        foreach (string name in Hub.Content.Repositories[Evil].Commits[EvilCommit].Keys.Except(Accepted).Except(["good.txt/child.txt"]))
        {
            HubExchange[] asked =
                await RequestsOfAsync(() => RefusedAsync(HubErrorKind.InvalidName, () => Client().DownloadFileAsync(Evil, name)));
            Assert.That(asked, Is.Empty, name);
        }

        foreach (string name in Accepted)
        {
            string path = await Client().DownloadFileAsync(Evil, name);
            Assert.That(path, Is.EqualTo(InCache("models--evil--paths", "snapshots", EvilCommit, name)));
        }

        await RefusedAsync(HubErrorKind.Disk, () => Client().DownloadFileAsync(Evil, "good.txt/child.txt"));
        await EtagsAsync();
        await CommitsAsync();

        string[] noIds =
        [
            "a--b", "../x", "a/b/c", "x.git", "-a/b", "a b", "datasets/a/b", new('A', 97), "acme/..", "", "a/", "/a", ".a/b", "a/b-",
        ];
        foreach (string repository in noIds)
        {
            HubExchange[] asked = await RequestsOfAsync(
                () => RefusedAsync(HubErrorKind.InvalidName, () => Client().DownloadFileAsync(repository, "config.json")));
            Assert.That(asked, Is.Empty, repository);
            Assert.That(() => HubCache.Look(repository, cache: Cache), Throws.InstanceOf<HubException>());
        }

        await RefusedAsync(HubErrorKind.RepositoryNotFound, () => Client().DownloadFileAsync("_ok/_fine_", "config.json"));
        await RevisionsAsync();
    }

    /// <summary>Stricter: Python takes an etag for a path, and writes outside of the cache.</summary>
    private async Task EtagsAsync()
    {
        string[] before = [.. LayoutEntry.Read(Path.GetDirectoryName(Cache)!).Keys];
        string other = new('A', 64);
        string absolute = Path.GetDirectoryName(Cache) + "/absolute";
        foreach (string etag in new[] { "../../../escaped", "ab/cd", absolute, "", ".", other, other[1..].ToLowerInvariant() })
        {
            Hub.Break(new HubFault { Match = "resolve", Set = { ["ETag"] = $"\"{etag}\"" } });
            await RefusedAsync(HubErrorKind.Protocol, () => Client().DownloadFileAsync(TinyLlama, "config.json", First));
        }

        Assert.That(LayoutEntry.Read(Path.GetDirectoryName(Cache)!).Keys, Is.EqualTo(before));
    }

    private async Task CommitsAsync()
    {
        string[] before = [.. LayoutEntry.Read(Path.GetDirectoryName(Cache)!).Keys];
        foreach (string commit in new[] { "../../x", "abc", "", First.ToUpperInvariant() })
        {
            Hub.Break(new HubFault { Match = "resolve", Set = { ["X-Repo-Commit"] = commit } });
            await RefusedAsync(HubErrorKind.Protocol, () => Client().DownloadFileAsync(TinyLlama, "config.json"));
        }

        // A commit that was asked for is no other.
        Hub.Break(new HubFault { Match = "resolve", Set = { ["X-Repo-Commit"] = Second } });
        await RefusedAsync(HubErrorKind.Protocol, () => Client().DownloadFileAsync(TinyLlama, "config.json", First));
        Assert.That(LayoutEntry.Read(Path.GetDirectoryName(Cache)!).Keys, Is.EqualTo(before));
    }

    /// <summary>Stricter: Python reads a reference outside of the folder of references.</summary>
    private async Task RevisionsAsync()
    {
        await Client().DownloadFileAsync(TinyLlama, "config.json");
        await File.WriteAllTextAsync(InCache("planted"), First);
        foreach (string revision in new[] { "../../planted", "..", "/abs", "a/../../b", "", "a//b", "a\\b", "C:a", "a/", "a\nb" })
        {
            await RefusedAsync(HubErrorKind.InvalidName, () => Offline().DownloadFileAsync(TinyLlama, "config.json", revision));
            Assert.That(() => HubCache.Look(TinyLlama, revision, cache: Cache), Throws.InstanceOf<HubException>());
        }
    }
}
