using SLoRA.HuggingFace.Cache;
using SLoRA.HuggingFace.Names;

namespace SLoRA.HuggingFace.Tests.Cache;

public sealed class TreeFileTests
{
    private const string Entry = """{"size":1,"blob_id":"26353c629af17c5c1074c9e90e98cdec74ffefb4"}""";

    [Test]
    public void A_listing_is_read_as_it_was_written()
    {
        BlobId git = BlobId.From("26353c629af17c5c1074c9e90e98cdec74ffefb4")!;
        RepositoryFile[] files =
        [
            new("config.json", git, 369) { GitId = git.Value, ListedSize = 369 },
            new("é-中文/model.safetensors", BlobId.From(new string('a', 64))!, 12520) { GitId = git.Value, ListedSize = 130, XetHash = "f1" },
        ];
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.Of("tree.json"), TreeFile.Write(files));
        Assert.That(TreeFile.Read(folder.Of("tree.json"))!.Values, Is.EquivalentTo(files));
    }

    [TestCase("""{"format_version":2,"files":{}}""")]
    [TestCase("""{"format_version":1}""")]
    [TestCase("""{"format_version":1,"files":{"../a":ENTRY}}""")]
    [TestCase("""{"format_version":1,"files":{"a":ENTRY,"a":ENTRY}}""")]
    [TestCase("""{"format_version":1,"files":{"a":{"size":1}}}""")]
    [TestCase("""{"format_version":1,"files":{"a":{"size":-1,"blob_id":"26353c629af17c5c1074c9e90e98cdec74ffefb4"}}}""")]
    [TestCase("""{"format_version":1,"files":{"a":{"size":1,"blob_id":"../../x"}}}""")]
    [TestCase("[]")]
    [TestCase("no JSON")]
    [TestCase("")]
    public void What_is_no_listing_is_as_if_it_were_not_there(string text)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.Of("tree.json"), text.Replace("ENTRY", Entry, StringComparison.Ordinal));
        Assert.That(TreeFile.Read(folder.Of("tree.json")), Is.Null);
        Assert.That(TreeFile.Read(folder.Of("absent.json")), Is.Null);
    }
}
