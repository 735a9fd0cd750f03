using System.Collections.Immutable;
using SLoRA.Formats;
using SLoRA.Native;

namespace SLoRA.Backends.Cpu.Images;

/// <summary>
/// Writes an image under a name of its own and gives it its right name when it is whole: whoever opens that name sees the image of before,
/// or this one, and two that write at once are no harm to each other.
/// </summary>
internal static unsafe class ImageWriter
{
    private const string TemporaryEnding = ".tmp";

    // Behind the last weight, so that nothing lies at the very end of a mapping.
    private const int Tail = 4096;

    /// <summary>Writes an image.</summary>
    /// <param name="path">The file that it will be.</param>
    /// <param name="library">The build that writes it.</param>
    /// <param name="key">What it is for.</param>
    /// <param name="weights">The weights and where their bytes are, in the order of loading; their offsets mean nothing.</param>
    /// <param name="create">Creates a file that is to have so many bytes.</param>
    /// <returns>Bytes of the file.</returns>
    /// <exception cref="IOException">It cannot be written, to its end; nothing is left of it.</exception>
    /// <exception cref="UnauthorizedAccessException">It must not be written there.</exception>
    public static long Write(
        string path, Guid library, ImmutableArray<byte> key, IReadOnlyList<(ImageSection Section, nint Address)> weights,
        Func<string, long, Stream>? create = null)
    {
        var sections = ImmutableArray.CreateBuilder<ImageSection>(weights.Count);
        long bytes = 0;
        foreach ((ImageSection section, _) in weights)
        {
            sections.Add(section with { Offset = bytes });
            bytes += (section.Bytes + NativeBlock.Alignment - 1) & -NativeBlock.Alignment;
        }

        bytes += Tail;
        var checksums = new ulong[ImageHeader.Pieces(bytes)];
        var header = new ImageHeader(library, key, bytes, sections.MoveToImmutable(), [.. checksums]);
        long dataBegin = header.ToBytes().Length;
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        Directory.CreateDirectory(folder);
        RemoveAbandoned(folder, Path.GetFileName(path));
        string temporary = $"{path}.{Guid.NewGuid():N}{TemporaryEnding}";
        try
        {
            using (Stream stream = (create ?? Create)(temporary, dataBegin + bytes))
            {
                stream.Position = dataBegin;
                WriteData(stream, header, weights, checksums);
                stream.Position = 0;
                stream.Write((header with { Checksums = [.. checksums] }).ToBytes());
            }

            // Without waiting for the disk: after a loss of power the checksums say whether all of it arrived there.
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            TryDelete(temporary);
            throw;
        }

        return dataBegin + bytes;
    }

    /// <summary>Writes the data piece by piece, and notes the checksum of each.</summary>
    private static void WriteData(
        Stream stream, ImageHeader header, IReadOnlyList<(ImageSection Section, nint Address)> weights, ulong[] checksums)
    {
        byte[] piece = GC.AllocateUninitializedArray<byte>(ImageHeader.PieceBytes);
        int weight = 0;
        for (int i = 0; i < checksums.Length; i++)
        {
            long begin = (long)i * ImageHeader.PieceBytes, end = Math.Min(begin + ImageHeader.PieceBytes, header.DataBytes);
            Span<byte> target = piece.AsSpan(0, (int)(end - begin));
            target.Clear();
            for (; weight < weights.Count; weight++)
            {
                ImageSection section = header.Sections[weight];
                long from = Math.Max(begin, section.Offset), to = Math.Min(end, section.Offset + section.Bytes);
                if (from < to)
                {
                    new ReadOnlySpan<byte>((byte*)weights[weight].Address + (from - section.Offset), (int)(to - from))
                        .CopyTo(target[(int)(from - begin)..]);
                }

                if (section.Offset + section.Bytes > end)
                {
                    break;
                }
            }

            checksums[i] = Checksum.Of(target);
            stream.Write(target);
        }
    }

    /// <summary>Nobody else opens it while it is written, which tells it from one whose writer has died.</summary>
    private static FileStream Create(string path, long bytes) => new(path, new FileStreamOptions
    {
        Mode = FileMode.CreateNew,
        Access = FileAccess.Write,
        Share = FileShare.None,
        BufferSize = 0,
        PreallocationSize = bytes,
    });

    /// <summary>Takes away what processes that ended while they wrote have left.</summary>
    private static void RemoveAbandoned(string folder, string name)
    {
        foreach (string file in Directory.GetFiles(folder, $"{name}.*{TemporaryEnding}"))
        {
            try
            {
                using var unused = new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
                File.Delete(file);
            }
            catch (Exception error) when (FileProblem.IsOne(error))
            {
                // It is being written, or it is not ours to delete.
            }
        }
    }

    private static void TryDelete(string file)
    {
        try
        {
            File.Delete(file);
        }
        catch (Exception error) when (FileProblem.IsOne(error))
        {
            // What is wrong with the folder has been said by what went before.
        }
    }
}
