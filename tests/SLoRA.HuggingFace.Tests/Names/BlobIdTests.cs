using SLoRA.HuggingFace.Names;

namespace SLoRA.HuggingFace.Tests.Names;

public sealed class BlobIdTests
{
    private const string Sha1 = "26353c629af17c5c1074c9e90e98cdec74ffefb4";
    private const string Sha256 = "af7e37fc85796ff389214facbc99904bffed1d8abd8f0253a19601f76b7e18b3";

    [TestCase("\"" + Sha1 + "\"", ExpectedResult = Sha1)]
    [TestCase("W/\"" + Sha1 + "\"", ExpectedResult = Sha1)]
    [TestCase("\"" + Sha256 + "\"", ExpectedResult = Sha256)]
    [TestCase(Sha256, ExpectedResult = Sha256)]
    [TestCase("\"../../../escaped\"", ExpectedResult = null)]
    [TestCase("\"26353C629AF17C5C1074C9E90E98CDEC74FFEFB4\"", ExpectedResult = null)]
    [TestCase("\"26353c\"", ExpectedResult = null)]
    [TestCase("\"\"", ExpectedResult = null)]
    [TestCase("\"", ExpectedResult = null)]
    [TestCase("", ExpectedResult = null)]
    [TestCase(null, ExpectedResult = null)]
    public string? An_etag_is_a_hash_or_nothing(string? tag) => BlobId.FromEntityTag(tag)?.Value;

    [Test]
    public void The_length_tells_the_kind_of_hash()
    {
        Assert.That(BlobId.From(Sha256)!.IsSha256, Is.True);
        Assert.That(BlobId.From(Sha1)!.IsSha256, Is.False);
    }
}
