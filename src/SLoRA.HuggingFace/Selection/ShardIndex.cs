using System.Text.Json;

namespace SLoRA.HuggingFace.Selection;

/// <summary>The index of a checkpoint of several files.</summary>
internal static class ShardIndex
{
    // The index of a model of 700 billion parameters has 9 MB.
    private const long LargestIndex = 128 << 20;

    /// <summary>The files that an index names, each once; null when it cannot be read, or names what is no file beside it.</summary>
    /// <param name="path">The index.</param>
    public static IReadOnlyList<string>? Read(string path)
    {
        try
        {
            var file = new FileInfo(path);
            if (!file.Exists)
            {
                return null;
            }

            using FileStream stream = file.OpenRead();
            if (stream.Length is 0 or > LargestIndex)
            {
                return null;
            }

            using JsonDocument document = JsonDocument.Parse(stream);
            return document.RootElement is { ValueKind: JsonValueKind.Object } root
                && root.TryGetProperty("weight_map", out JsonElement map) && map.ValueKind == JsonValueKind.Object
                ? Shards(map)
                : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static List<string>? Shards(JsonElement map)
    {
        var shards = new SortedSet<string>(StringComparer.Ordinal);
        foreach (JsonProperty tensor in map.EnumerateObject())
        {
            string? name = tensor.Value.ValueKind == JsonValueKind.String ? tensor.Value.GetString() : null;
            if (name?.EndsWith(".safetensors", StringComparison.Ordinal) != true || name.Contains('/')
                || Names.FilePath.Problem(name) is not null)
            {
                return null;
            }

            shards.Add(name);
        }

        return shards.Count > 0 ? [.. shards] : null;
    }
}
