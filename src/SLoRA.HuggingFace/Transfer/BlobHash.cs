using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;
using SLoRA.HuggingFace.Names;

namespace SLoRA.HuggingFace.Transfer;

/// <summary>Compares a file with the hash that it is called by.</summary>
internal static class BlobHash
{
    private const int BufferBytes = 1 << 20;

    /// <summary>Whether a file has the bytes of a blob. Reads it from the first to the last.</summary>
    /// <param name="file">The open file.</param>
    /// <param name="id">The blob.</param>
    /// <param name="size">Its bytes.</param>
    /// <param name="cancellation">Ends the reading.</param>
    public static async Task<bool> IsAsync(SafeFileHandle file, BlobId id, long size, CancellationToken cancellation)
    {
        if (RandomAccess.GetLength(file) != size)
        {
            return false;
        }

        using var hash = IncrementalHash.CreateHash(id.IsSha256 ? HashAlgorithmName.SHA256 : HashAlgorithmName.SHA1);
        if (!id.IsSha256)
        {
            // git hashes the kind and the length of an object in front of its bytes.
            hash.AppendData(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"blob {size}\0")));
        }

        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            for (long at = 0; at < size;)
            {
                int read = await RandomAccess.ReadAsync(file, buffer.AsMemory(0, BufferBytes), at, cancellation).ConfigureAwait(false);
                if (read == 0)
                {
                    return false;
                }

                hash.AppendData(buffer, 0, read);
                at += read;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset()) == id.Value;
    }
}
