using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text.Json;

namespace SLoRA.Formats.HuggingFace;

/// <summary>Which tensor files a checkpoint has and, if an index says so, which tensor is in which.</summary>
/// <param name="File">The path that errors about the set of tensors name: the index, or the only tensor file.</param>
/// <param name="Shards">The paths of the tensor files.</param>
/// <param name="ShardOf">Tensor → path of the file that the index places it in; null if there is no index.</param>
internal sealed record CheckpointIndex(string File, ImmutableArray<string> Shards, FrozenDictionary<string, string>? ShardOf)
{
    // The index of a model of 700 billion parameters has 9 MB.
    private const int LargestIndex = 128 << 20;

    /// <summary>A checkpoint of one file.</summary>
    public static CheckpointIndex Single(string path) => new(path, [path], null);

    /// <summary>
    /// Reads an index. Shards must be plain file names, so nothing outside the folder is ever opened, not even to see whether it is there.
    /// </summary>
    public static CheckpointIndex Read(string folder, string path)
    {
        ConfigObject index = ConfigDocument.Read(path, LoadErrorKind.File, LargestIndex);
        ConfigObject map = index.OptionalObject("weight_map") ?? throw index.Error("weight_map", "is missing");
        var shards = new Dictionary<string, string>(StringComparer.Ordinal);
        var shardOf = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string tensor in map.Keys)
        {
            if (map.KindOf(tensor) != JsonValueKind.String)
            {
                throw map.Error(tensor, "has no file name");
            }

            string name = map.String(tensor);
            if (!shards.TryGetValue(name, out string? shard))
            {
                if (!IsPlainFileName(name))
                {
                    throw new FormatError(LoadErrorKind.File, path, name, "is not the name of a .safetensors file in this folder");
                }

                shard = Path.Combine(folder, name);
                if (!System.IO.File.Exists(shard))
                {
                    throw new FormatError(
                        LoadErrorKind.File, path, name, "is missing, although the index names it: download the model again");
                }

                shards.Add(name, shard);
            }

            shardOf.Add(tensor, shard);
        }

        return shards.Count > 0
            ? new CheckpointIndex(path, [.. shards.Values], shardOf.ToFrozenDictionary(StringComparer.Ordinal))
            : throw index.Error("weight_map", "names no tensor");
    }

    // Both separators on every system, so that a model is refused or accepted alike wherever it is read; ':' is a drive or a stream on
    // Windows.
    private static bool IsPlainFileName(string name) =>
        name.EndsWith(".safetensors", StringComparison.Ordinal) && name.AsSpan().IndexOfAny("/\\:\0") < 0;
}
