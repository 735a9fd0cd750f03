using System.Text.Json;
using System.Text.Json.Nodes;
using SLoRA.Text;

namespace SLoRA.Extensions.AI.Tests.Replies;

/// <summary>A chat template: one of the repository's own, or a published one of an installed package (SLORA_TOKENIZERS).</summary>
public sealed class ToolTemplate
{
    private readonly Lazy<ChatTemplate> _parsed;

    private ToolTemplate(string name, string source, bool isPublished)
    {
        Name = name;
        Source = source;
        IsPublished = isPublished;
        _parsed = new Lazy<ChatTemplate>(() => ChatTemplate.Parse(Source));
    }

    public static IReadOnlyDictionary<string, JsonNode?> Variables { get; } =
        new Dictionary<string, JsonNode?> { ["bos_token"] = "<bos>", ["eos_token"] = "<eos>" };

    public string Name { get; }

    public string Source { get; }

    public bool IsPublished { get; }

    public ChatTemplate Parsed => _parsed.Value;

    public static IEnumerable<ToolTemplate> Own() =>
        from path in Directory.GetFiles(Path.Combine(RepositoryFolder.Fixtures, "tool-templates"), "*.jinja").Order(StringComparer.Ordinal)
        select new ToolTemplate(Path.GetFileNameWithoutExtension(path), File.ReadAllText(path), isPublished: false);

    /// <summary>Those that the text fixtures name and that are on this machine.</summary>
    public static IEnumerable<ToolTemplate> Published()
    {
        string? packages = Environment.GetEnvironmentVariable("SLORA_TOKENIZERS");
        if (packages is null)
        {
            yield break;
        }

        string list = Path.Combine(RepositoryFolder.Fixtures, "text", "templates", "templates.json");
        JsonElement root = JsonDocument.Parse(File.ReadAllBytes(list)).RootElement;
        foreach (JsonElement entry in root.GetProperty("templates").EnumerateArray())
        {
            if (entry.TryGetProperty("package", out JsonElement package)
                && Path.Combine(packages, "node_modules", package.GetString()!, entry.GetProperty("path").GetString()!) is { } path
                    && File.Exists(path))
            {
                JsonElement template =
                    JsonDocument.Parse(File.ReadAllBytes(path)).RootElement.GetProperty(entry.GetProperty("field").GetString()!);
                yield return new ToolTemplate(entry.GetProperty("name").GetString()!.Split('/')[0], template.GetString()!,
                    isPublished: true);
            }
        }
    }

    public override string ToString() => IsPublished ? $"published {Name}" : Name;
}
