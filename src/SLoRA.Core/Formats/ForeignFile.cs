using System.Text;

namespace SLoRA.Formats;

/// <summary>
/// Files that people mistake for tensors or for a configuration, told by their first bytes: what such a file is, and what to do about it. A
/// parser would only say which byte it did not expect.
/// </summary>
internal static class ForeignFile
{
    /// <summary>First bytes that are enough to tell.</summary>
    public const int StartBytes = 512;

    private const string DownloadAgain = "download the file again";

    private static readonly (byte[] Start, string Problem)[] Known =
    [
        ("GGUF"u8.ToArray(),
            "is a GGUF file, which is read under a name that ends in .gguf alone: give it its name back"),
        ("PK\x03\x04"u8.ToArray(), "is a ZIP archive, as PyTorch and NumPy save tensors; a PyTorch file would have to be unpickled, which "
            + "runs code: save it as safetensors"),
        ([0x80, 0x02], "is a Python pickle, which runs code when it is read: save it as safetensors"),
        ([0x80, 0x03], "is a Python pickle, which runs code when it is read: save it as safetensors"),
        ([0x80, 0x04], "is a Python pickle, which runs code when it is read: save it as safetensors"),
        ([0x80, 0x05], "is a Python pickle, which runs code when it is read: save it as safetensors"),
        ([0x89, (byte)'H', (byte)'D', (byte)'F'], "is an HDF5 file, as Keras saves weights: save them as safetensors"),
        ([0x1F, 0x8B], "is compressed with gzip: unpack it"),
        ([0x28, 0xB5, 0x2F, 0xFD], "is compressed with zstd: unpack it"),
        ([0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z'], "is compressed with xz: unpack it"),
        ("/annex/objects/"u8.ToArray(), "is a pointer of git-annex to a file that was not fetched: run git annex get in its folder"),
        ([0xFF, 0xFE], "is text in UTF-16: save it as UTF-8"),
        ([0xFE, 0xFF], "is text in UTF-16: save it as UTF-8"),
        ([0xEF, 0xBB, 0xBF], "begins with a byte order mark, which JSON does not allow: save it as UTF-8 without one"),
    ];

    /// <summary>
    /// What a file is that begins like this, as the rest of a sentence that begins with the file; null when it is none of those known.
    /// </summary>
    public static string? Problem(ReadOnlySpan<byte> start)
    {
        foreach ((byte[] known, string problem) in Known)
        {
            if (start.StartsWith(known))
            {
                return problem;
            }
        }

        // The rest is text, and would be called so in other letters too.
        string text = Encoding.Latin1.GetString(start[..Math.Min(start.Length, StartBytes)]).TrimStart();
        if (text.StartsWith("version https://git-lfs.github.com/spec/", StringComparison.Ordinal))
        {
            return $"is a Git LFS pointer{SizeOf(text)}, not the file itself, which was never fetched: run git lfs pull in its folder, or "
                + $"{DownloadAgain}";
        }

        if (text.StartsWith("<!DOCTYPE", StringComparison.OrdinalIgnoreCase)
            || text.StartsWith("<html", StringComparison.OrdinalIgnoreCase))
        {
            return $"is a web page, as a server sends it in place of a file that needs a login or is not there: {DownloadAgain}";
        }

        return text.StartsWith("<?xml", StringComparison.OrdinalIgnoreCase)
            ? $"is XML, as a store of files sends it in place of a file that it does not give: {DownloadAgain}"
            : null;
    }

    private static string SizeOf(string pointer)
    {
        int at = pointer.IndexOf("\nsize ", StringComparison.Ordinal);
        string digits = at < 0 ? "" : new([.. pointer.AsSpan(at + 6).ToArray().TakeWhile(char.IsAsciiDigit)]);
        return digits.Length is > 0 and < 20 ? $" to a file of {digits} bytes" : "";
    }
}
