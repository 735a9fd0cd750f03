using System.Buffers;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using SLoRA.Formats;

namespace SLoRA.Models;

/// <summary>
/// What a model's files are known again by: a hash over the configuration and, of each file of weights, its name and length, its header,
/// and either the time of its writing and samples, or all of its bytes.
/// </summary>
internal static class ModelKey
{
    /// <summary>Samples of a file.</summary>
    public const int Samples = 256;

    /// <summary>Bytes of a sample.</summary>
    public const int SampleBytes = 4096;

    private const int PieceBytes = 1 << 20;

    /// <summary>The key, 32 bytes.</summary>
    /// <param name="configuration">The file that says how weights are to be read; null where their own do.</param>
    /// <param name="files">The files of weights.</param>
    /// <param name="readsAll">Whether all bytes are read, and no times counted.</param>
    /// <param name="cancellation">Looked at between pieces of a megabyte.</param>
    /// <exception cref="FormatError">A file cannot be read.</exception>
    public static ImmutableArray<byte> Of(
        string? configuration, ImmutableArray<WeightFile> files, bool readsAll, CancellationToken cancellation)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        if (configuration is not null)
        {
            byte[] bytes = ConfigDocument.ReadBytes(configuration);
            Add(hash, bytes.Length);
            hash.AppendData(bytes);
        }

        byte[] piece = ArrayPool<byte>.Shared.Rent(PieceBytes);
        foreach (WeightFile file in files)
        {
            byte[] name = Encoding.UTF8.GetBytes(Path.GetFileName(file.Path));
            Add(hash, name.Length);
            hash.AppendData(name);
            Add(hash, file.Length);
            Add(hash, readsAll ? 0 : file.Written.Ticks);
            long end = readsAll ? file.Length : file.HeaderBytes;
            for (long at = 0; at < end; at += PieceBytes)
            {
                cancellation.ThrowIfCancellationRequested();
                Span<byte> bytes = piece.AsSpan(0, (int)Math.Min(PieceBytes, end - at));
                file.Read(at, bytes);
                Add(hash, (long)Checksum.Of(bytes));
            }

            if (!readsAll)
            {
                AddSamples(hash, file, piece.AsSpan(0, SampleBytes));
            }
        }

        ArrayPool<byte>.Shared.Return(piece);
        return [.. hash.GetHashAndReset()];
    }

    /// <summary>Samples at even distances, from the first byte behind the header to the last.</summary>
    private static void AddSamples(IncrementalHash hash, WeightFile file, Span<byte> sample)
    {
        long left = file.Length - file.HeaderBytes;
        sample = sample[..(int)Math.Min(sample.Length, left)];
        for (int i = 0; i < Samples && !sample.IsEmpty; i++)
        {
            file.Read(file.HeaderBytes + ((left - sample.Length) * i / (Samples - 1)), sample);
            hash.AppendData(sample);
        }
    }

    private static void Add(IncrementalHash hash, long number) => hash.AppendData(BitConverter.GetBytes(number));
}
