using System.Text;
using NUnit.Framework;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Formats;

/// <summary>Values that other implementations of XXH64 give.</summary>
public sealed class ChecksumTests
{
    [TestCase("", 0xEF46DB3751D8E999UL)]
    [TestCase("a", 0xD24EC4F1A98C6E5BUL)]
    [TestCase("abc", 0x44BC2CF5AD770999UL)]
    [TestCase("Nobody inspects the spammish repetition", 0xFBCEA83C8A378BF1UL)]
    public void It_is_XXH64(string text, ulong checksum) => Assert.That(Checksum.Of(Encoding.ASCII.GetBytes(text)), Is.EqualTo(checksum));

    [Test]
    public void Every_bit_counts()
    {
        byte[] bytes = new byte[75];
        new Random(4).NextBytes(bytes);
        var checksums = new HashSet<ulong> { Checksum.Of(bytes) };
        for (int bit = 0; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            checksums.Add(Checksum.Of(bytes));
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        Assert.That(checksums, Has.Count.EqualTo((bytes.Length * 8) + 1));
    }
}
