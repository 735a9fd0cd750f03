using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;
using SLoRA.Formats;
using SLoRA.Native;

namespace SLoRA.Backends.Cpu.Images;

/// <summary>
/// The beginning of an image: who wrote it for what, which weights it has, and a checksum for each piece of what follows. All numbers are
/// little-endian; the data begin at the next border of a large memory page.
/// </summary>
/// <remarks>
/// <code>
/// 8 magic | 4 version of this form | 4 bytes of the rest | 8 checksum of the rest
/// rest: 16 library | 32 key | 8 bytes of data | 4 sections | sections | 8 checksum for each piece of the data
/// section: 1 table | name | format | 4 rows | 4 columns | 8 bytes | 8 offset      names: length in 7-bit groups, UTF-8
/// </code>
/// </remarks>
/// <param name="Library">Which build of the library wrote it: layouts and roundings are those of that build.</param>
/// <param name="Key">What the model and the way of keeping its weights are known again by, 32 bytes.</param>
/// <param name="DataBytes">Bytes of the data.</param>
/// <param name="Sections">The weights, in the order of loading.</param>
/// <param name="Checksums">A checksum for each piece of <see cref="PieceBytes"/>, and for the rest.</param>
internal sealed record ImageHeader(
    Guid Library, ImmutableArray<byte> Key, long DataBytes, ImmutableArray<ImageSection> Sections, ImmutableArray<ulong> Checksums)
{
    /// <summary>Bytes of data that have a checksum.</summary>
    public const int PieceBytes = 1 << 20;

    /// <summary>Bytes of a key.</summary>
    public const int KeyBytes = 32;

    // "SLoRA", what it is, and line ends that a transfer as text would change.
    private const ulong Magic = 0x0A0D_4941_526F_4C53;
    private const int Version = 1;
    private const int LibraryBytes = 16;
    private const int PrefixBytes = 24;
    private const int LongestRest = 256 << 20;
    private const long DataAlignment = LargePages.Bytes;

    /// <summary>Where the data begin in the file.</summary>
    public long DataBegin { get; private init; }

    /// <summary>Bytes of the whole file.</summary>
    public long FileBytes => DataBegin + DataBytes;

    /// <summary>Pieces of so many bytes.</summary>
    public static int Pieces(long bytes) => checked((int)((bytes + PieceBytes - 1) / PieceBytes));

    /// <summary>Reads and checks a header, and that the file is as long as it says.</summary>
    /// <param name="file">The file.</param>
    /// <param name="library">The build that must have written it.</param>
    /// <param name="key">What it must be for.</param>
    /// <exception cref="ImageError">It is not such an image.</exception>
    public static ImageHeader Read(SafeFileHandle file, Guid library, ReadOnlySpan<byte> key)
    {
        byte[] prefix = new byte[PrefixBytes];
        int found = RandomAccess.Read(file, prefix, 0);
        if (found < sizeof(ulong) || BinaryPrimitives.ReadUInt64LittleEndian(prefix) != Magic)
        {
            throw new ImageError(PackedImageProblem.Foreign, "is no image of packed weights");
        }

        long length = RandomAccess.GetLength(file);
        if (found < PrefixBytes)
        {
            throw Truncated(length, PrefixBytes);
        }

        int version = BinaryPrimitives.ReadInt32LittleEndian(prefix.AsSpan(8));
        if (version != Version)
        {
            throw new ImageError(
                PackedImageProblem.OtherVersion, string.Create(CultureInfo.InvariantCulture, $"has version {version}, not {Version}"));
        }

        int bytes = BinaryPrimitives.ReadInt32LittleEndian(prefix.AsSpan(12));
        if (bytes is < LibraryBytes or > LongestRest)
        {
            throw Damaged(string.Create(CultureInfo.InvariantCulture, $"has a header of {bytes} bytes"));
        }

        if (PrefixBytes + (long)bytes > length)
        {
            throw Truncated(length, PrefixBytes + (long)bytes);
        }

        byte[] rest = new byte[bytes];
        OpenImage.ReadExactly(file, rest, PrefixBytes);
        if (Checksum.Of(rest) != BinaryPrimitives.ReadUInt64LittleEndian(prefix.AsSpan(16)))
        {
            throw Damaged("has a header that its checksum does not fit");
        }

        ImageHeader header = Parse(rest);
        if (header.Library != library)
        {
            throw new ImageError(PackedImageProblem.OtherVersion, "was written by another build of the library");
        }

        if (!header.Key.AsSpan().SequenceEqual(key))
        {
            throw new ImageError(
                PackedImageProblem.OtherModel, "is of another model, of files that have changed, or of weights that are kept otherwise");
        }

        return header.FileBytes == length ? header : throw Truncated(length, header.FileBytes);
    }

    /// <summary>The bytes from the file's first to the data.</summary>
    public byte[] ToBytes()
    {
        using var rest = new MemoryStream();
        using (var writer = new BinaryWriter(rest, Encoding.UTF8, leaveOpen: true))
        {
            writer.Write(Library.ToByteArray());
            writer.Write(Key.AsSpan());
            writer.Write(DataBytes);
            writer.Write(Sections.Length);
            foreach (ImageSection section in Sections)
            {
                writer.Write(section.IsTable);
                writer.Write(section.Name);
                writer.Write(section.Format);
                writer.Write(section.Rows);
                writer.Write(section.Columns);
                writer.Write(section.Bytes);
                writer.Write(section.Offset);
            }

            foreach (ulong checksum in Checksums)
            {
                writer.Write(checksum);
            }
        }

        ReadOnlySpan<byte> body = rest.GetBuffer().AsSpan(0, (int)rest.Length);
        byte[] bytes = new byte[BeginOf(body.Length)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), Version);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(12), body.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(16), Checksum.Of(body));
        body.CopyTo(bytes.AsSpan(PrefixBytes));
        return bytes;
    }

    /// <summary>Reads what a checksum has vouched for; nothing that it says leads outside of the data.</summary>
    private static ImageHeader Parse(byte[] rest)
    {
        try
        {
            using var reader = new BinaryReader(new MemoryStream(rest, writable: false), Encoding.UTF8);
            var library = new Guid(reader.ReadBytes(LibraryBytes));
            ImmutableArray<byte> key = [.. reader.ReadBytes(KeyBytes)];
            long dataBytes = reader.ReadInt64();
            int count = reader.ReadInt32();
            if (dataBytes < 1 || count < 0 || count > rest.Length)
            {
                throw Damaged("has a header that makes no sense");
            }

            var sections = ImmutableArray.CreateBuilder<ImageSection>();
            for (int i = 0; i < count; i++)
            {
                var section = new ImageSection(
                    reader.ReadBoolean(), reader.ReadString(), reader.ReadString(), reader.ReadInt32(), reader.ReadInt32(),
                    reader.ReadInt64())
                {
                    Offset = reader.ReadInt64(),
                };
                if (section.Offset < 0 || section.Bytes < 0 || section.Offset % NativeBlock.Alignment != 0
                    || section.Offset > dataBytes - section.Bytes)
                {
                    throw Damaged("has a weight outside of its data");
                }

                sections.Add(section);
            }

            var checksums = ImmutableArray.CreateBuilder<ulong>();
            for (int i = 0; i < Pieces(dataBytes); i++)
            {
                checksums.Add(reader.ReadUInt64());
            }

            return new ImageHeader(library, key, dataBytes, sections.ToImmutable(), checksums.ToImmutable())
            {
                DataBegin = BeginOf(rest.Length),
            };
        }
        catch (Exception error) when (error is IOException or ArgumentException or FormatException or OverflowException)
        {
            // What ends too early, lengths that are none, and numbers beyond all bounds.
            throw Damaged("has a header that makes no sense");
        }
    }

    private static long BeginOf(int restBytes) => (PrefixBytes + restBytes + DataAlignment - 1) & -DataAlignment;

    private static ImageError Damaged(string details) => new(PackedImageProblem.Damaged, details);

    private static ImageError Truncated(long length, long expected) => new(
        PackedImageProblem.Truncated, string.Create(CultureInfo.InvariantCulture, $"has {length} bytes and says {expected}"));
}
