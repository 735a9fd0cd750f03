using System.Collections.Immutable;
using NUnit.Framework;
using SLoRA.Formats;
using SLoRA.Models;

namespace SLoRA.Core.Tests.Models;

/// <summary>By what the files of a model are known again.</summary>
internal sealed class ModelKeyTests
{
    private static readonly DateTime _written = new(2024, 5, 6, 7, 8, 9, DateTimeKind.Utc);

    [Test]
    public void What_changes_the_files_changes_the_key([Values] bool readsAll)
    {
        using var folder = new TemporaryFolder();
        ImmutableArray<byte> key = Key(folder, readsAll);
        Assert.That(key, Has.Length.EqualTo(32));
        Assert.Multiple(() =>
        {
            Assert.That(Key(folder, readsAll), Is.EqualTo(key));
            Assert.That(Key(folder, readsAll, name: "other"), Is.Not.EqualTo(key), "a name");
            Assert.That(Key(folder, readsAll, bytes: 3_000_001), Is.Not.EqualTo(key), "a length");
            Assert.That(Key(folder, readsAll, changed: 5), Is.Not.EqualTo(key), "the header");
            Assert.That(Key(folder, readsAll, changed: 100), Is.Not.EqualTo(key), "the first byte behind the header");
            Assert.That(Key(folder, readsAll, changed: 2_999_999), Is.Not.EqualTo(key), "the last byte");
            Assert.That(Key(folder, readsAll, config: "{ }"), Is.Not.EqualTo(key), "the configuration");
            Assert.That(Key(folder, !readsAll), Is.Not.EqualTo(key), "how it is read");
        });
    }

    [Test]
    public void Samples_go_by_the_time_and_all_bytes_do_not()
    {
        using var folder = new TemporaryFolder();
        Assert.That(Key(folder, false, written: _written.AddSeconds(1)), Is.Not.EqualTo(Key(folder, false)));
        Assert.That(Key(folder, true, written: _written.AddSeconds(1)), Is.EqualTo(Key(folder, true)));

        // 256 samples of 4 KiB in three megabytes begin 11,748 bytes apart.
        Assert.That(Key(folder, false, changed: 100 + 11_000), Is.EqualTo(Key(folder, false)));
        Assert.That(Key(folder, true, changed: 100 + 11_000), Is.Not.EqualTo(Key(folder, true)));
    }

    [Test]
    public void Files_of_a_few_bytes_and_of_none_behind_the_header_have_keys([Values(100, 101, 4000)] int bytes)
    {
        using var folder = new TemporaryFolder();
        Assert.That(Key(folder, false, bytes: bytes), Is.Not.EqualTo(Key(folder, false, bytes: bytes, changed: bytes - 1)));
    }

    private static ImmutableArray<byte> Key(
        TemporaryFolder folder, bool readsAll, string name = "weights", int bytes = 3_000_000, int changed = -1, string config = "{}",
        DateTime? written = null)
    {
        byte[] content = new byte[bytes];
        new Random(3).NextBytes(content);
        if (changed >= 0)
        {
            content[changed] ^= 16;
        }

        string path = folder.Write(name, content);
        File.SetLastWriteTimeUtc(path, written ?? _written);
        using WeightFile file = WeightFile.Open(
            path,
            stream =>
            {
                stream.ReadExactly(new byte[100]);
                return 0;
            },
            out int _);
        return ModelKey.Of(folder.Write("config.json", config), [file], readsAll, CancellationToken.None);
    }
}
