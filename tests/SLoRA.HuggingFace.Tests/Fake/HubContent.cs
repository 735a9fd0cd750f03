using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace SLoRA.HuggingFace.Tests.Fake;

/// <summary>The repositories that the fake Hub has: repositories.json of the fixtures.</summary>
internal sealed class HubContent
{
    private readonly JsonObject _root;
    private readonly Dictionary<string, HubFile> _bySha256 = [];

    private HubContent(JsonObject root)
    {
        _root = root;
        foreach ((string name, JsonNode? node) in root["repositories"]!.AsObject())
        {
            var repository = new HubRepository(name, node!.AsObject());
            Repositories.Add(name, repository);
            foreach (HubFile file in repository.Commits.Values.SelectMany(commit => commit.Values))
            {
                _bySha256[file.Sha256] = file;
            }
        }
    }

    public Dictionary<string, HubRepository> Repositories { get; } = [];

    public int TreePage => (int)_root["tree_page"]!;

    public IReadOnlyDictionary<string, string> Renamed =>
        _root["renamed"]!.AsObject().ToDictionary(pair => pair.Key, pair => (string)pair.Value!);

    public static HubContent Read(string folder) =>
        new(JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "repositories.json")))!.AsObject());

    /// <summary>Adds a repository of one commit.</summary>
    /// <returns>The commit.</returns>
    public string Add(string name, params (string Path, byte[] Bytes)[] files)
    {
        string commit = Convert.ToHexStringLower(SHA1.HashData(Encoding.UTF8.GetBytes(name)));
        var listed = new JsonObject();
        foreach ((string path, byte[] bytes) in files)
        {
            bool isLarge = path.EndsWith(".safetensors", StringComparison.Ordinal);
            string gitId = Convert.ToHexStringLower(SHA1.HashData([.. Encoding.ASCII.GetBytes($"blob {bytes.Length}\0"), .. bytes]));
            string sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes));
            listed[path] = new JsonObject
            {
                ["content"] = new JsonArray(new JsonObject { ["base64"] = Convert.ToBase64String(bytes) }),
                ["store"] = isLarge ? "lfs" : "git",
                ["size"] = bytes.Length,
                ["sha256"] = sha256,
                ["git_oid"] = gitId,
                ["pointer_size"] = isLarge ? 130 : null,
                ["etag"] = isLarge ? sha256 : gitId,
            };
        }

        var repository = new HubRepository(name, new JsonObject
        {
            ["private"] = false,
            ["gated"] = false,
            ["refs"] = new JsonObject { ["main"] = commit },
            ["commits"] = new JsonObject { [commit] = new JsonObject { ["files"] = listed } },
        });
        Repositories.Add(name, repository);
        foreach (HubFile file in repository.Commits[commit].Values)
        {
            _bySha256[file.Sha256] = file;
        }

        return commit;
    }

    public HubFile? OfSha256(string sha256) => _bySha256.GetValueOrDefault(sha256);

    public static byte[] Bytes(JsonArray parts)
    {
        using var bytes = new MemoryStream();
        foreach (JsonNode? part in parts)
        {
            bytes.Write(BytesOfPart(part!.AsObject()));
        }

        return bytes.ToArray();
    }

    private static byte[] BytesOfPart(JsonObject part)
    {
        if (part["text"] is { } text)
        {
            return Encoding.UTF8.GetBytes((string)text!);
        }

        if (part["base64"] is { } base64)
        {
            return Convert.FromBase64String((string)base64!);
        }

        byte[] bytes = new byte[(int)part["size"]!];
        string seed = (string)part["sha256_counter"]!;
        for (int i = 0; i * SHA256.HashSizeInBytes < bytes.Length; i++)
        {
            Span<byte> rest = bytes.AsSpan(i * SHA256.HashSizeInBytes);
            byte[] block = SHA256.HashData(Encoding.UTF8.GetBytes($"{seed}:{i}"));
            block.AsSpan(0, Math.Min(block.Length, rest.Length)).CopyTo(rest);
        }

        return bytes;
    }
}
