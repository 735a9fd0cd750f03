using System.Text;
using System.Text.Json;

namespace SLoRA.Text.Tokenization.Reading;

/// <summary>Reads the files of a model's folder.</summary>
internal static class TokenizerFolder
{
    private static readonly string[] OtherForms = ["tokenizer.model", "tekken.json", "vocab.json", "vocab.txt", "spiece.model"];

    private const string DefaultTemplate = "default";

    private const string TemplateFile = "chat_template.jinja";
    private const long MaxTokenizer = 1L << 29;
    private const long MaxOther = 1L << 26;

    /// <summary>The GGUF file that holds the tokenizer: the path itself, or the only one of a folder without tokenizer.json.</summary>
    /// <returns>Null if the tokenizer is not in such a file.</returns>
    /// <exception cref="TokenizerException">The folder holds several.</exception>
    public static string? FindGguf(string path)
    {
        try
        {
            return File.Exists(Path.Combine(path, "tokenizer.json")) ? null : GgufFile.Find(path);
        }
        catch (ModelLoadException error)
        {
            throw new TokenizerException("tokenizer.file", error.Message, error);
        }
    }

    /// <summary>Reads what a GGUF file says.</summary>
    /// <param name="path">The file.</param>
    /// <param name="warnings">Takes what it contradicts itself in.</param>
    /// <param name="tokenizer">The tokenizer, in the form of a tokenizer.json.</param>
    public static TokenizerConfiguration ReadGguf(string path, List<string> warnings, out byte[] tokenizer)
    {
        (tokenizer, JsonDocument configuration) = GgufTokenizer.Read(path);
        using (configuration)
        {
            ConfigNode node = Node(configuration, Path.GetFileName(path)), none = Node(null, "");
            return new TokenizerConfiguration
            {
                Tokens = ConfiguredTokens.Read(node, none, none, warnings),
                ChatTemplates = TemplatesOf(node["chat_template"]),
            };
        }
    }

    public static byte[] ReadTokenizer(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new TokenizerException("tokenizer.file", $"'{folder}' is neither a folder nor a GGUF file that exists.");
        }

        string path = Path.Combine(folder, "tokenizer.json");
        if (File.Exists(path))
        {
            return RegularFile.Read(path, MaxTokenizer);
        }

        string[] others = [.. OtherForms.Where(name => File.Exists(Path.Combine(folder, name)))];
        string hint = others.Length == 0 ? "" : $" It holds {string.Join(" and ", others)}: {WrongFile.ConvertIt}.";
        throw new TokenizerException("tokenizer.file", $"The folder '{folder}' holds no tokenizer.json.{hint}");
    }

    public static TokenizerConfiguration ReadConfiguration(string folder, List<string> warnings)
    {
        using JsonDocument? config = ReadJson(folder, "tokenizer_config.json");
        using JsonDocument? map = ReadJson(folder, "special_tokens_map.json");
        using JsonDocument? added = ReadJson(folder, "added_tokens.json");
        ConfigNode node = Node(config, "tokenizer_config.json");
        return new TokenizerConfiguration
        {
            Tokens = ConfiguredTokens.Read(node, Node(map, "special_tokens_map.json"), Node(added, "added_tokens.json"), warnings),
            ChatTemplates = ReadTemplates(folder, node, warnings),
            AddBosToken = node["add_bos_token"].IsNull ? null : node["add_bos_token"].Bool(false),
            AddEosToken = node["add_eos_token"].IsNull ? null : node["add_eos_token"].Bool(false),
        };
    }

    private static ConfigNode Node(JsonDocument? document, string file) => new(document?.RootElement ?? default, file);

    // Where files hold templates, they are all the templates there are: the files are the newer way.
    private static Dictionary<string, string> ReadTemplates(string folder, ConfigNode config, List<string> warnings)
    {
        var templates = new Dictionary<string, string>();
        string file = Path.Combine(folder, TemplateFile);
        if (File.Exists(file))
        {
            templates[DefaultTemplate] = ReadTemplate(file);
        }

        string named = Path.Combine(folder, "additional_chat_templates");
        if (Directory.Exists(named))
        {
            foreach (string path in Directory.GetFiles(named, "*.jinja"))
            {
                templates[Path.GetFileNameWithoutExtension(path)] =
                ReadTemplate(path);
            }
        }

        Dictionary<string, string> ofConfig = TemplatesOf(config["chat_template"]);
        if (templates.Count == 0)
        {
            return ofConfig;
        }

        foreach ((string name, string text) in ofConfig)
        {
            string shown = $"The chat template {Excerpt.Of(name)}";
            if (!templates.TryGetValue(name, out string? other))
            {
                warnings.Add(
                $"{shown} of tokenizer_config.json is left out, as files beside it hold other templates.");
            }
            else if (other != text)
            {
                warnings.Add(
                $"{shown} is {Excerpt.Of(text)} in tokenizer_config.json and {Excerpt.Of(other)} in a file beside it, which counts.");
            }
        }

        return templates;
    }

    private static Dictionary<string, string> TemplatesOf(ConfigNode node)
    {
        if (node.IsNull)
        {
            return [];
        }

        if (node.Kind != JsonValueKind.Array)
        {
            return new Dictionary<string, string> { [DefaultTemplate] = node.String() };
        }

        var templates = new Dictionary<string, string>();
        foreach (ConfigNode item in node.Items())
        {
            templates[item["name"].String()] = item["template"].String();
        }

        return templates;
    }

    private static string ReadTemplate(string path)
    {
        byte[] content = RegularFile.Read(path, MaxOther);
        if (WrongFile.DescribeDownload(content) is string what)
        {
            throw TokenizerException.Format($"{Path.GetFileName(path)} is {what}");
        }

        return Encoding.UTF8.GetString(content);
    }

    private static JsonDocument? ReadJson(string folder, string name)
    {
        string path = Path.Combine(folder, name);
        if (!File.Exists(path))
        {
            return null;
        }

        byte[] content = RegularFile.Read(path, MaxOther);
        if (WrongFile.Describe(content) is string what)
        {
            throw TokenizerException.Format($"{name} is {what}");
        }

        try
        {
            return JsonDocument.Parse(content, new JsonDocumentOptions { MaxDepth = TokenizerFile.MaxDepth });
        }
        catch (JsonException e)
        {
            throw TokenizerException.Format($"{name} is not well-formed JSON: {e.Message}", e);
        }
    }
}
