using NUnit.Framework;
using SLoRA.Backends.Cpu.Images;

namespace SLoRA.Core.Tests.Engine;

/// <summary>Images of packed weights that something has happened to.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class DamagedImageTests
{
    private static readonly string Model = RepositoryFolder.Fixture("core-llama-gqa", "model");

    private static readonly (string Name, PackedImageProblem Problem, Action<string> Change)[] Damages =
    [
        ("a byte of the data", PackedImageProblem.Damaged, path => Flip(path, file => file.Length - 5000)),
        ("a byte of the header", PackedImageProblem.Damaged, path => Flip(path, _ => 100)),
        ("the version", PackedImageProblem.OtherVersion, path => Flip(path, _ => 8)),
        ("the last byte is missing", PackedImageProblem.Truncated, path => Resize(path, length => length - 1)),
        ("half of it is missing", PackedImageProblem.Truncated, path => Resize(path, length => length / 2)),
        ("a byte more", PackedImageProblem.Truncated, path => Resize(path, length => length + 1)),
        ("nothing in it", PackedImageProblem.Foreign, path => Resize(path, _ => 0)),
        ("another file", PackedImageProblem.Foreign, path => File.WriteAllText(path, "{\"images\": [\"a cat\", \"a dog\"]}")),
        ("gone", PackedImageProblem.Missing, File.Delete),
        ("another build's", PackedImageProblem.OtherVersion, path => Rewrite(path, header => header with { Library = Guid.Empty })),
        ("one weight less", PackedImageProblem.OtherWeights, path => Rewrite(path, header => header with
        {
            Sections = header.Sections[..^1],
        })),
        ("a weight too many", PackedImageProblem.OtherWeights, path => Rewrite(path, header => header with
        {
            Sections = header.Sections.Add(header.Sections[0]),
        })),
        ("weights in another order", PackedImageProblem.OtherWeights, path => Rewrite(path, header => header with
        {
            Sections = [header.Sections[1], header.Sections[0], .. header.Sections[2..]],
        })),
        ("a weight of other size", PackedImageProblem.OtherWeights, path => Rewrite(path, header => header with
        {
            Sections = header.Sections.SetItem(2, header.Sections[2] with { Bytes = header.Sections[2].Bytes - 64 }),
        })),
        ("a table of other size", PackedImageProblem.OtherWeights, path => Rewrite(path, header => header with
        {
            Sections = [.. header.Sections.Select(section => section.IsTable ? section with { Bytes = section.Bytes - 64 } : section)],
        })),
    ];

    private static IEnumerable<TestCaseData> Cases() => Damages.Select((damage, i) => new TestCaseData(i).SetArgDisplayNames(damage.Name));

    [TestCaseSource(nameof(Cases))]
    public void An_image_that_is_not_right_is_not_served_but_replaced(int damage)
    {
        (_, PackedImageProblem problem, Action<string> change) = Damages[damage];
        using var folder = new TemporaryFolder();
        ImageStart first = ImageStart.Of(Model, "Int8", folder.Path);
        string path = Directory.GetFiles(folder.Path).Single();
        byte[] whole = File.ReadAllBytes(path);
        change(path);
        ImageStart next = ImageStart.Of(Model, "Int8", folder.Path);
        Assert.Multiple(() =>
        {
            Assert.That(next.Image!.Problem, Is.EqualTo(problem));
            Assert.That(next.Image!.IsWritten, Is.True);
            Assert.That(next.Logits.LargestDifference(first.Logits), Is.Zero);
            Assert.That(File.ReadAllBytes(path), Is.EqualTo(whole), "the image that replaces it");
            Assert.That(ImageStart.Of(Model, "Int8", folder.Path).Image!.IsUsed, Is.True);
        });
    }

    private static void Flip(string path, Func<FileStream, long> at)
    {
        using FileStream file = File.Open(path, FileMode.Open, FileAccess.ReadWrite);
        long position = at(file);
        file.Position = position;
        int was = file.ReadByte();
        file.Position = position;
        file.WriteByte((byte)(was ^ 2));
    }

    private static void Resize(string path, Func<long, long> length)
    {
        using FileStream file = File.Open(path, FileMode.Open, FileAccess.ReadWrite);
        file.SetLength(length(file.Length));
    }

    /// <summary>Gives an image another header, whose checksum fits; the data begin where they did.</summary>
    private static void Rewrite(string path, Func<ImageHeader, ImageHeader> change)
    {
        ImageHeader header;
        using (FileStream file = File.OpenRead(path))
        {
            byte[] key = new byte[ImageHeader.KeyBytes];
            RandomAccess.Read(file.SafeFileHandle, key, 24 + 16);
            header = ImageHeader.Read(file.SafeFileHandle, typeof(ImageHeader).Module.ModuleVersionId, key);
        }

        byte[] bytes = change(header).ToBytes();
        Assert.That(bytes, Has.Length.EqualTo(header.DataBegin));
        using FileStream changed = File.Open(path, FileMode.Open, FileAccess.Write);
        changed.Write(bytes);
    }
}
