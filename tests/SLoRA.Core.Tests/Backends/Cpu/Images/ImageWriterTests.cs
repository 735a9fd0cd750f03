using System.Collections.Immutable;
using NUnit.Framework;
using SLoRA.Backends.Cpu.Images;
using SLoRA.Formats;
using SLoRA.Native;

namespace SLoRA.Core.Tests.Backends.Cpu.Images;

/// <summary>Images as files: what is read is what was written, or the reason why it is not read.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class ImageWriterTests
{
    private static readonly Guid _library = new("5f0f4d0e-6a3c-4a59-8a43-1d2f6e1a7b90");
    private static readonly ImmutableArray<byte> _key = [.. Enumerable.Range(1, ImageHeader.KeyBytes).Select(i => (byte)i)];

    // Across a border of pieces, and one that ends in the middle of a cache line.
    private static readonly int[] _sizes = [100, ImageHeader.PieceBytes, 64, 3 * ImageHeader.PieceBytes, 1];

    [TestCase(ModelAccess.Map)]
    [TestCase(ModelAccess.Read)]
    public void Weights_are_read_as_they_were_written(ModelAccess access)
    {
        using var folder = new TemporaryFolder();
        byte[][] weights = Write(Path.Combine(folder.Path, "image"));
        using OpenImage image = Open(folder, access);
        Assert.Multiple(() =>
        {
            Assert.That(image.Header.Sections.Select(section => section.Name), Is.EqualTo(_sizes.Select((_, i) => $"weight {i}")));
            for (int i = 0; i < weights.Length; i++)
            {
                Assert.That(Data(image, i), Is.EqualTo(weights[i]), $"weight {i}");
            }
        });
    }

    [Test]
    public void A_byte_that_differs_anywhere_in_what_is_used_is_found([Range(0, 40)] int seed)
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "image");
        Write(path);
        var random = new Random(seed);
        long dataBegin;
        using (OpenImage image = Open(folder, ModelAccess.Read))
        {
            dataBegin = image.Header.DataBegin;
        }

        // Between header and data is nothing.
        using (FileStream file = File.Open(path, FileMode.Open, FileAccess.ReadWrite))
        {
            long at = seed % 2 == 0 ? random.NextInt64(0, 300) : random.NextInt64(dataBegin, file.Length);
            file.Position = at;
            int was = file.ReadByte();
            file.Position = at;
            file.WriteByte((byte)(was ^ (1 << random.Next(8))));
        }

        Assert.That(() => Open(folder, ModelAccess.Map), Throws.TypeOf<ImageError>());
    }

    [Test]
    public void A_bit_that_differs_in_any_byte_of_the_header_is_found()
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "image");
        Write(path);
        using FileStream file = File.Open(path, FileMode.Open, FileAccess.ReadWrite);
        byte[] header = new byte[24];
        file.ReadExactly(header);
        header = new byte[24 + BitConverter.ToInt32(header, 12)];
        file.Position = 0;
        file.ReadExactly(header);
        for (int at = 0; at < header.Length; at++)
        {
            byte changed = (byte)(header[at] ^ (1 << (at % 8)));
            RandomAccess.Write(file.SafeFileHandle, [changed], at);
            Assert.That(
                () => ImageHeader.Read(file.SafeFileHandle, _library, _key.AsSpan()), Throws.TypeOf<ImageError>(), $"byte {at}");
            RandomAccess.Write(file.SafeFileHandle, [header[at]], at);
        }

        Assert.That(ImageHeader.Read(file.SafeFileHandle, _library, _key.AsSpan()).Sections, Has.Length.EqualTo(_sizes.Length));
    }

    [SeededProperty(MaxTest = 150)]
    public void A_header_of_any_bytes_that_its_checksum_fits_leads_nowhere_outside_of_the_data(int seed)
    {
        var random = new Random(seed);
        ImageSection[] sections =
            [.. Enumerable.Range(0, 3).Select(i => new ImageSection(false, $"w{i}", "BF16", 1, 1, 64) { Offset = 64 * i })];
        byte[] bytes = new ImageHeader(_library, _key, 4096, [.. sections], [0]).ToBytes();
        int rest = BitConverter.ToInt32(bytes, 12);

        // Behind library and key, which are looked at in any case.
        for (int i = random.Next(1, 4); i > 0; i--)
        {
            bytes[random.Next(24 + 48, 24 + rest)] = random.Next(3) == 0 ? (byte)0xFF : (byte)random.Next(256);
        }

        BitConverter.TryWriteBytes(bytes.AsSpan(16), Checksum.Of(bytes.AsSpan(24, rest)));
        using var folder = new TemporaryFolder();
        using FileStream file = File.OpenRead(folder.Write("image", [.. bytes, .. new byte[4096]]));
        try
        {
            ImageHeader header = ImageHeader.Read(file.SafeFileHandle, _library, _key.AsSpan());
            Assert.That(header.DataBytes, Is.EqualTo(4096));
            Assert.That(header.Sections.All(static section =>
                section.Offset >= 0 && section.Bytes >= 0 && section.Offset + section.Bytes <= 4096));
        }
        catch (ImageError error)
        {
            Assert.That(error.Problem, Is.EqualTo(PackedImageProblem.Damaged).Or.EqualTo(PackedImageProblem.Truncated));
        }
    }

    [Test]
    public void A_file_of_any_other_length_is_no_image([Values(0, 4, 20, 24, 60, 200, -4097, -1, 1)] int length)
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "image");
        Write(path);
        using (FileStream file = File.Open(path, FileMode.Open, FileAccess.ReadWrite))
        {
            file.SetLength(length is >= 0 and not 1 ? length : file.Length + length);
        }

        ImageError error = Assert.Throws<ImageError>(() => Open(folder, ModelAccess.Map))!;
        Assert.That(error.Problem, Is.EqualTo(length is 0 or 4 ? PackedImageProblem.Foreign : PackedImageProblem.Truncated));
    }

    [Test]
    public void A_header_whose_weights_lie_outside_of_its_data_is_damaged()
    {
        var section = new ImageSection(false, "w", "BF16", 1, 1, 64) { Offset = 64 };
        var header = new ImageHeader(_library, _key, 127, [section], [0]);
        Assert.That(ProblemOf(header), Is.EqualTo(PackedImageProblem.Damaged));
        Assert.That(ProblemOf(header with { Sections = [section with { Bytes = -1 }] }), Is.EqualTo(PackedImageProblem.Damaged));
        Assert.That(ProblemOf(header with { Sections = [section with { Offset = -64 }] }), Is.EqualTo(PackedImageProblem.Damaged));
        Assert.That(ProblemOf(header with { Sections = [section with { Offset = 1 }] }), Is.EqualTo(PackedImageProblem.Damaged));
        Assert.That(ProblemOf(header with { Sections = [], DataBytes = -1 }), Is.EqualTo(PackedImageProblem.Damaged));
        Assert.That(ProblemOf(header with { Sections = [], Checksums = [] }), Is.EqualTo(PackedImageProblem.Damaged));
        Assert.That(
            ProblemOf(header with { Sections = [section with { Bytes = 63 }], Library = Guid.Empty }),
            Is.EqualTo(PackedImageProblem.OtherVersion));
        Assert.That(
            ProblemOf(header with { Sections = [section with { Bytes = 63 }], Key = [.. _key.Reverse()] }),
            Is.EqualTo(PackedImageProblem.OtherModel));
    }

    [Test]
    public void A_disk_that_fills_up_leaves_what_was_there([Values(0, 1000, 5_000_000)] int room)
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "image");
        byte[][] weights = Write(path);
        Assert.That(() => Write(path, (file, _) => new FullDisk(file, room)), Throws.TypeOf<IOException>());
        Assert.That(Directory.GetFiles(folder.Path).Select(Path.GetFileName), Is.EqualTo(new[] { "image" }));
        using OpenImage image = Open(folder, ModelAccess.Map);
        Assert.That(Data(image, 1), Is.EqualTo(weights[1]));
    }

    [Test]
    public void What_a_dead_writer_left_is_taken_away_and_what_a_living_one_writes_is_not()
    {
        using var folder = new TemporaryFolder();
        folder.Write("image.1.tmp", "left");
        folder.Write("other.1.tmp", "another's");
        using (new FileStream(Path.Combine(folder.Path, "image.2.tmp"), FileMode.CreateNew, FileAccess.Write, FileShare.None))
        {
            Write(Path.Combine(folder.Path, "image"));
            Assert.That(
                Directory.GetFiles(folder.Path).Select(Path.GetFileName),
                Is.EquivalentTo(new[] { "image", "image.2.tmp", "other.1.tmp" }));
        }
    }

    [Test]
    public void An_image_that_is_mapped_stays_when_another_takes_its_name()
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "image");
        byte[][] weights = Write(path);
        using OpenImage image = Open(folder, ModelAccess.Map);
        Write(path, seed: 8);
        Assert.That(Data(image, 3), Is.EqualTo(weights[3]));
        using OpenImage other = Open(folder, ModelAccess.Map);
        Assert.That(Data(other, 3), Is.Not.EqualTo(weights[3]));
    }

    private static PackedImageProblem ProblemOf(ImageHeader header)
    {
        using var folder = new TemporaryFolder();
        folder.Write("image", [.. header.ToBytes(), .. new byte[Math.Max(0, header.DataBytes)]]);
        return Assert.Throws<ImageError>(() => Open(folder, ModelAccess.Map))!.Problem;
    }

    private static unsafe byte[] Data(OpenImage image, int weight)
    {
        ImageSection section = image.Header.Sections[weight];
        return new ReadOnlySpan<byte>(image.Data(section), (int)section.Bytes).ToArray();
    }

    private static OpenImage Open(TemporaryFolder folder, ModelAccess access) => OpenImage.Open(
        Path.Combine(folder.Path, "image"), _library, _key.AsSpan(), access, (parts, part) => Parallel.For(0, parts, part));

    private static unsafe byte[][] Write(string path, Func<string, long, Stream>? create = null, int seed = 1)
    {
        var random = new Random(seed);
        byte[][] weights = [.. _sizes.Select(size => new byte[size])];
        foreach (byte[] weight in weights)
        {
            random.NextBytes(weight);
        }

        using var memory = new NativeBlock(_sizes.Sum());
        int offset = 0;
        var sections = new List<(ImageSection, nint)>();
        for (int i = 0; i < weights.Length; i++)
        {
            Span<byte> copy = memory.Slice(offset, weights[i].Length);
            weights[i].CopyTo(copy);
            offset += copy.Length;
            fixed (byte* address = copy)
            {
                sections.Add((new ImageSection(i == 0, $"weight {i}", "BF16", 3, 5, copy.Length), (nint)address));
            }
        }

        ImageWriter.Write(path, _library, _key, sections, create);
        return weights;
    }

    /// <summary>A file on a disk with so much room.</summary>
    private sealed class FullDisk(string path, long room) : FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 0)
    {
        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if ((room -= buffer.Length) < 0)
            {
                throw new IOException("No space left on device");
            }

            base.Write(buffer);
        }
    }
}
