using System.Text.Encodings.Web;
using System.Text.Json;
using SLoRA.HuggingFace.Names;

namespace SLoRA.HuggingFace.Cache;

/// <summary>The listing of a commit as the cache keeps it, in the form of the Hub's Python client.</summary>
internal static class TreeFile
{
    private const int FormatVersion = 1;
    private const long LargestFile = 256 << 20;
    private static readonly JsonWriterOptions Form =
        new() { Indented = true, IndentSize = 1, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Reads a listing; null when there is none, when it is of another version, or when it lists what no cache can hold.</summary>
    public static IReadOnlyDictionary<string, RepositoryFile>? Read(string path)
    {
        try
        {
            if (RealPath.FileSize(path) is not (> 0 and <= LargestFile))
            {
                return null;
            }

            using FileStream stream = File.OpenRead(path);
            using JsonDocument document = JsonDocument.Parse(stream);
            JsonElement root = document.RootElement;
            if (root.GetProperty("format_version").GetInt32() != FormatVersion)
            {
                return null;
            }

            var files = new Dictionary<string, RepositoryFile>(StringComparer.Ordinal);
            foreach (JsonProperty entry in root.GetProperty("files").EnumerateObject())
            {
                if (FilePath.Problem(entry.Name) is not null || FileOf(entry.Name, entry.Value) is not { } file
                    || !files.TryAdd(entry.Name, file))
                {
                    return null;
                }
            }

            return files;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException
            or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            return null;
        }
    }

    /// <summary>The bytes of a listing.</summary>
    public static byte[] Write(IEnumerable<RepositoryFile> files)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, Form))
        {
            json.WriteStartObject();
            json.WriteNumber("format_version", FormatVersion);
            json.WriteStartObject("files");
            foreach (RepositoryFile file in files.OrderBy(file => file.Path, StringComparer.Ordinal))
            {
                json.WriteStartObject(file.Path);
                json.WriteNumber("size", file.ListedSize);
                json.WriteString("blob_id", file.GitId);
                if (file.Blob.IsSha256)
                {
                    json.WriteString("lfs_sha256", file.Blob.Value);
                    json.WriteNumber("lfs_size", file.Size);
                }

                if (file.XetHash is not null)
                {
                    json.WriteString("xet_hash", file.XetHash);
                }

                json.WriteEndObject();
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        return bytes.ToArray();
    }

    private static RepositoryFile? FileOf(string path, JsonElement entry)
    {
        long listed = entry.GetProperty("size").GetInt64();
        string gitId = entry.GetProperty("blob_id").GetString() ?? "";
        string? sha256 = entry.TryGetProperty("lfs_sha256", out JsonElement hash) ? hash.GetString() : null;
        long size = entry.TryGetProperty("lfs_size", out JsonElement bytes) ? bytes.GetInt64() : listed;
        string? xetHash = entry.TryGetProperty("xet_hash", out JsonElement xet) ? xet.GetString() : null;
        return RepositoryFile.IsSize(size) && BlobId.From(sha256 ?? gitId) is { } blob
            ? new RepositoryFile(path, blob, size) { GitId = gitId, ListedSize = listed, XetHash = xetHash }
            : null;
    }
}
