using System.Text;
using System.Text.Json.Nodes;
using SLoRA.HuggingFace.Tests.Fake;

namespace SLoRA.HuggingFace.Tests.Layouts;

/// <summary>A cache as another client has left it: layout-*.json of the fixtures.</summary>
internal sealed class LayoutFixture
{
    private readonly JsonObject _json;
    private readonly Lazy<HubContent> _content;

    private LayoutFixture(string path)
    {
        string name = Path.GetFileNameWithoutExtension(path)["layout-".Length..];
        string folder = Path.GetDirectoryName(path)!;
        Name = folder == RepositoryFolder.HubFixtures.First() ? name : Path.Combine(Path.GetFileName(folder), name);
        _json = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        _content = new Lazy<HubContent>(() => HubContent.Read(Path.GetDirectoryName(path)!));
    }

    public string Name { get; }

    /// <summary>What was asked, and what the answer has to be.</summary>
    public IEnumerable<JsonObject> Questions => (_json["find"]?.AsArray() ?? []).Select(question => question!.AsObject());

    private IEnumerable<JsonObject> Entries => _json["entries"]!.AsArray().Select(entry => entry!.AsObject());

    public static LayoutFixture Read(string name) => new(RepositoryFolder.Hub($"layout-{name}.json"));

    public static IEnumerable<LayoutFixture> All() => RepositoryFolder.HubFixtures
        .SelectMany(folder => Directory.GetFiles(folder, "layout-*.json").Order(StringComparer.Ordinal))
        .Select(path => new LayoutFixture(path));

    /// <summary>All that lies in the cache.</summary>
    public SortedDictionary<string, string> Expected() =>
        new(Entries.ToDictionary(entry => (string)entry["path"]!, LayoutEntry.Of), StringComparer.Ordinal);

    /// <summary>Makes the cache.</summary>
    public void Build(string folder)
    {
        foreach (JsonObject entry in Entries.Where(entry => (string)entry["type"]! == "dir"))
        {
            Directory.CreateDirectory(PathOf(folder, entry));
        }

        foreach (JsonObject entry in Entries.Where(entry => (string)entry["type"]! == "file"))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(PathOf(folder, entry))!);
            File.WriteAllBytes(PathOf(folder, entry), Bytes(entry));
        }

        foreach (JsonObject entry in Entries.Where(entry => (string)entry["type"]! == "link"))
        {
            File.CreateSymbolicLink(PathOf(folder, entry), (string)entry["target"]!);
        }
    }

    private static string PathOf(string folder, JsonObject entry) => Path.Combine(folder, (string)entry["path"]!);

    private byte[] Bytes(JsonObject entry)
    {
        JsonNode? content = entry["content"];
        return content switch
        {
            null => [],
            _ when content["text"] is { } text => Encoding.UTF8.GetBytes((string)text!),
            _ when content["base64"] is { } base64 => Convert.FromBase64String((string)base64!),
            _ when content["repository_file"] is { } file => Of(file),
            _ when content["first_bytes_of"] is { } file => Of(file)[..(int)entry["size"]!],
            _ => [.. Of(content["every_byte_xor_0x55_of"]!).Select(value => (byte)(value ^ 0x55))],
        };

        byte[] Of(JsonNode sha256) => _content.Value.OfSha256((string)sha256!)!.Bytes;
    }
}
