using SLoRA.HuggingFace.Tests.Layouts;

namespace SLoRA.HuggingFace.Tests.Cache;

/// <summary>Caches whose folders are links, and links that lead out.</summary>
public sealed class LinkedCacheTests
{
    private const string Repository = "models--acme--tiny-llama";
    private const string Commit = "1b883fdddf78044b244a57e2108ced63b8308100";
    private TemporaryFolder _folder = null!;

    private string Cache => _folder.Of("hub");

    [SetUp]
    public void Build()
    {
        _folder = new TemporaryFolder();
        LayoutFixture.Read("snapshot-full").Build(Cache);
    }

    [TearDown]
    public void Delete() => _folder.Dispose();

    [TestCase("")]
    [TestCase(Repository)]
    [TestCase(Repository + "/blobs")]
    public void A_folder_that_is_a_link_to_another_disk_is_followed(string moved)
    {
        string path = Path.Combine(Cache, moved);
        Directory.Move(path, _folder.Of("disk"));
        Directory.CreateSymbolicLink(path, _folder.Of("disk"));
        Assert.That(HubCache.Look("acme/tiny-llama", cache: Cache).Files, Has.Count.EqualTo(10));
        Assert.That(HubCache.Find("acme/tiny-llama", cache: Cache), Is.EqualTo(Path.Combine(Cache, Repository, "snapshots", Commit)));
    }

    [Test]
    public void A_file_that_is_a_link_out_of_the_cache_is_not_there()
    {
        string entry = Path.Combine(Cache, Repository, "snapshots", Commit, "model.safetensors");
        File.Copy(entry, _folder.Of("elsewhere"));
        File.Delete(entry);
        File.CreateSymbolicLink(entry, _folder.Of("elsewhere"));
        HubSnapshot snapshot = HubCache.Look("acme/tiny-llama", cache: Cache);
        Assert.That(snapshot.LinksOutOfTheCache, Is.EqualTo(["model.safetensors"]));
        Assert.That(snapshot.Missing, Is.EqualTo(["model.safetensors"]));
    }

    [Test]
    public void Links_in_a_circle_are_broken_links()
    {
        string entry = Path.Combine(Cache, Repository, "snapshots", Commit, "tokenizer.json");
        File.Delete(entry);
        File.CreateSymbolicLink(entry, "tokenizer.json");
        HubSnapshot snapshot = HubCache.Look("acme/tiny-llama", cache: Cache);
        Assert.That(snapshot.BrokenLinks, Is.EqualTo(["tokenizer.json"]));
        Assert.That(snapshot.Missing, Is.EqualTo(["tokenizer.json"]), "a tokenizer that has vanished is not a model without one");
    }

    [Test]
    public void An_index_that_cannot_be_read_is_missing()
    {
        LayoutFixture.Read("snapshot-patterns").Build(_folder.Of("sharded"));
        const string commit = "f21af2143cd749da2f0885e908cab36a29872f3a";
        string index = _folder.Of("sharded", "models--acme--tiny-sharded", "snapshots", commit, "model.safetensors.index.json");
        File.WriteAllText(index, "no JSON");
        Assert.That(HubCache.Look("acme/tiny-sharded", cache: _folder.Of("sharded")).Missing, Is.EqualTo(["model.safetensors.index.json"]));
    }
}
