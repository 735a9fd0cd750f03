using System.Text.Json;

namespace SLoRA.Text.Tokenization.Reading;

/// <summary>Reads the files of a model's folder.</summary>
internal static class TokenizerFolder
{
    private const string DefaultTemplate = "default";

    public static byte[] ReadTokenizer(string folder)
    {
        if (!Directory.Exists(folder)) throw new TokenizerException("tokenizer.file", $"The folder '{folder}' does not exist.");
        string path = Path.Combine(folder, "tokenizer.json");
        if (!File.Exists(path)) throw new TokenizerException("tokenizer.file", $"The folder '{folder}' holds no tokenizer.json.");
        return ReadFile(path);
    }

    public static TokenizerConfiguration ReadConfiguration(string folder)
    {
        using JsonDocument? config = ReadJson(Path.Combine(folder, "tokenizer_config.json"));
        using JsonDocument? map = ReadJson(Path.Combine(folder, "special_tokens_map.json"));
        ConfigNode configNode = new(config?.RootElement ?? default, "tokenizer_config.json");
        ConfigNode mapNode = new(map?.RootElement ?? default, "special_tokens_map.json");
        var specials = new Dictionary<string, string>();
        AddSpecials(mapNode, specials);
        AddSpecials(configNode, specials);
        return new TokenizerConfiguration
        {
            SpecialTokens = specials,
            ChatTemplates = ReadTemplates(folder, configNode),
            AddBosToken = configNode["add_bos_token"].IsNull ? null : configNode["add_bos_token"].Bool(false),
            AddEosToken = configNode["add_eos_token"].IsNull ? null : configNode["add_eos_token"].Bool(false),
        };
    }

    // A role is a member whose name ends in _token and whose value is a text, or an object with the text as content.
    private static void AddSpecials(ConfigNode node, Dictionary<string, string> specials)
    {
        if (node.IsNull) return;
        foreach ((string name, ConfigNode value) in node.Members())
        {
            if (!name.EndsWith("_token", StringComparison.Ordinal)) continue;
            ConfigNode text = value.Kind == JsonValueKind.Object ? value["content"] : value;
            if (text.Kind == JsonValueKind.String) specials[name] = text.String();
        }
    }

    // A chat_template.jinja goes before the template in the configuration, as where both are there the file is the newer way.
    private static Dictionary<string, string> ReadTemplates(string folder, ConfigNode config)
    {
        var templates = new Dictionary<string, string>();
        ConfigNode node = config["chat_template"];
        if (node.Kind == JsonValueKind.Array)
        {
            foreach (ConfigNode item in node.Items()) templates[item["name"].String()] = item["template"].String();
        }
        else if (!node.IsNull)
        {
            templates[DefaultTemplate] = node.String();
        }

        string file = Path.Combine(folder, "chat_template.jinja");
        if (File.Exists(file)) templates[DefaultTemplate] = System.Text.Encoding.UTF8.GetString(ReadFile(file));
        string named = Path.Combine(folder, "additional_chat_templates");
        if (Directory.Exists(named))
        {
            foreach (string path in Directory.GetFiles(named, "*.jinja"))
            {
                templates[Path.GetFileNameWithoutExtension(path)] = System.Text.Encoding.UTF8.GetString(ReadFile(path));
            }
        }

        return templates;
    }

    private static JsonDocument? ReadJson(string path)
    {
        if (!File.Exists(path)) return null;
        try
        {
            return JsonDocument.Parse(ReadFile(path), new JsonDocumentOptions { MaxDepth = TokenizerFile.MaxDepth });
        }
        catch (JsonException e)
        {
            throw TokenizerException.Format($"{Path.GetFileName(path)} is not well-formed JSON: {e.Message}", e);
        }
    }

    private static byte[] ReadFile(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TokenizerException("tokenizer.file", $"The file '{path}' cannot be read: {e.Message}", e);
        }
    }
}
