using System.Text.Json;
using System.Text.Json.Nodes;

namespace SLoRA.Text.Tests.Templates;

/// <summary>One template of a fixture folder with one case.</summary>
public sealed class TemplateFixture
{
    private readonly JsonElement _entry;
    private readonly JsonElement _case;
    private readonly DateTimeOffset _now;

    private TemplateFixture(string name, JsonElement entry, JsonElement @case, DateTimeOffset now)
    {
        Name = name;
        _entry = entry;
        _case = @case;
        _now = now;
    }

    /// <summary>The folder's path as given, the template's name and the case's index.</summary>
    public string Name { get; }

    public JsonElement Case => _case;

    public bool IsReal => _entry.TryGetProperty("package", out _);

    /// <summary>The repository's own fixtures, then the folders that SLORA_TEXT_FIXTURES names.</summary>
    public static IEnumerable<string> Folders()
    {
        yield return RepositoryFolder.Fixtures;
        string more = Environment.GetEnvironmentVariable("SLORA_TEXT_FIXTURES") ?? "";
        foreach (string folder in more.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
        {
            yield return folder;
        }
    }

    /// <summary>A folder as test names show it: relative to the repository where it lies within.</summary>
    public static string Label(string folder) => folder == RepositoryFolder.Fixtures ? "tests/fixtures/text" : folder;

    public static IEnumerable<TemplateFixture> All()
    {
        foreach (string folder in Folders())
        {
            string path = Path.Combine(folder, "templates", "templates.json");
            if (!File.Exists(path))
            {
                continue;
            }

            JsonElement root = JsonDocument.Parse(File.ReadAllBytes(path)).RootElement;
            DateTimeOffset now =
                new(DateTime.Parse(root.GetProperty("now").GetString()!, System.Globalization.CultureInfo.InvariantCulture), TimeSpan.Zero);
            foreach (JsonElement entry in root.GetProperty("templates").EnumerateArray())
            {
                int index = 0;
                foreach (JsonElement item in entry.GetProperty("cases").EnumerateArray())
                {
                    string name = $"{Label(folder)}, {entry.GetProperty("name").GetString()}, {index++}";
                    yield return new TemplateFixture(name, entry, item, now);
                }
            }
        }
    }

    /// <summary>The template's text; null when it belongs to a package that is not installed.</summary>
    public string? Template()
    {
        if (_entry.TryGetProperty("template", out JsonElement own))
        {
            return own.GetString();
        }

        string? packages = Environment.GetEnvironmentVariable("SLORA_TOKENIZERS");
        if (packages is null)
        {
            return null;
        }

        string path =
            Path.Combine(packages, "node_modules", _entry.GetProperty("package").GetString()!, _entry.GetProperty("path").GetString()!);
        if (!File.Exists(path))
        {
            return null;
        }

        using JsonDocument config = JsonDocument.Parse(File.ReadAllBytes(path));
        JsonElement template = config.RootElement.GetProperty(_entry.GetProperty("field").GetString()!);
        if (template.ValueKind == JsonValueKind.String)
        {
            return template.GetString();
        }

        string variant = _entry.GetProperty("variant").GetString() ?? "default";
        return template.EnumerateArray().First(t => t.GetProperty("name").GetString() == variant).GetProperty("template").GetString();
    }

    public ChatTemplateInputs Inputs() => new(_case.GetProperty("messages"))
    {
        Tools = Node("tools"),
        Documents = Node("documents"),
        AddGenerationPrompt = _case.GetProperty("add_generation_prompt").GetBoolean(),
        Variables = Node("extra")!.AsObject().ToDictionary(e => e.Key, e => e.Value),
        Clock = new FixedClock(_now),
    };

    /// <summary>The folder that the package's tokenizer lies in; null when it is not installed, or when the template is our own.</summary>
    public string? TokenizerFolder()
    {
        string? packages = Environment.GetEnvironmentVariable("SLORA_TOKENIZERS");
        if (packages is null || !IsReal)
        {
            return null;
        }

        string path =
            Path.Combine(packages, "node_modules", _entry.GetProperty("package").GetString()!, _entry.GetProperty("path").GetString()!);
        return File.Exists(path) ? Path.GetDirectoryName(path) : null;
    }

    /// <summary>The same inputs as a host program gives them to a tokenizer, which knows its special tokens itself.</summary>
    public ChatRenderOptions Options() => new()
    {
        TemplateName = _entry.TryGetProperty("variant", out JsonElement variant) ? variant.GetString() : null,
        Tools = Node("tools"),
        Documents = Node("documents"),
        AddGenerationPrompt = _case.GetProperty("add_generation_prompt").GetBoolean(),
        Variables = Node("extra")!.AsObject().Where(e => !e.Key.EndsWith("_token", StringComparison.Ordinal))
            .ToDictionary(e => e.Key, e => e.Value),
        Clock = new FixedClock(_now),
    };

    public override string ToString() => Name;

    private JsonNode? Node(string name) =>
        _case.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null
            ? JsonNode.Parse(value.GetRawText())
            : null;
}
