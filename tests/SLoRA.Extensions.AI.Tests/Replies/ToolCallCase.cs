using System.Text;
using System.Text.Json;
using SLoRA.Extensions.AI.Replies;

namespace SLoRA.Extensions.AI.Tests.Replies;

/// <summary>A case of the tool-call fixtures: an answer, the pieces it arrives in, and what must come out (README there).</summary>
public sealed class ToolCallCase
{
    private readonly JsonElement _case;
    private readonly ReplyParserOptions _options;

    private ToolCallCase(string name, JsonElement item, ReplyFormat format, ReplyParserOptions options)
    {
        Name = name;
        _case = item;
        Format = format;
        _options = options;
    }

    /// <summary>The file and the case.</summary>
    public string Name { get; }

    /// <summary>How the model writes.</summary>
    public ReplyFormat Format { get; }

    /// <summary>Whether it is one of the repository's own.</summary>
    public bool IsOwn { get; private init; }

    public string Text => _case.GetProperty("text").GetString()!;

    /// <summary>The ways in which the text arrives.</summary>
    public IReadOnlyList<string[]> Pieces =>
        [.. _case.GetProperty("tokens").EnumerateArray().Select(way => way.EnumerateArray().Select(piece => piece.GetString()!).ToArray())];

    /// <summary>
    /// For each piece of the first way, how much of the content must have been passed on; null where the case does not say.
    /// </summary>
    public int[]? Shown =>
        _case.TryGetProperty("shown", out JsonElement shown) ? [.. shown.EnumerateArray().Select(count => count.GetInt32())] : null;

    private bool IsExact => _case.TryGetProperty("exact", out JsonElement exact) && exact.GetBoolean();

    /// <summary>The repository's own fixtures, then the folders that SLORA_TOOLCALLS names.</summary>
    public static IEnumerable<ToolCallCase> All()
    {
        string own = Path.Combine(RepositoryFolder.Fixtures, "toolcalls");
        string more = Environment.GetEnvironmentVariable("SLORA_TOOLCALLS") ?? "";
        foreach (string folder in more.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries).Prepend(own))
        {
            IEnumerable<string> files = Directory.GetFiles(folder, "*.json").Where(path => Path.GetFileName(path) != "tools.json");
            foreach (string path in files.Order(StringComparer.Ordinal))
            {
                string label = folder == own ? Path.GetFileName(path) : path;
                JsonElement root = JsonDocument.Parse(File.ReadAllBytes(path)).RootElement;
                IReadOnlyList<ToolDeclaration> tools = ToolFile.Read(Path.Combine(folder, root.GetProperty("tools").GetString()!));
                foreach (JsonElement item in root.GetProperty("cases").EnumerateArray())
                {
                    string name = $"{label}, {item.GetProperty("name").GetString()}";
                    string reasoning = item.TryGetProperty("reasoning_format", out JsonElement given) ? given.GetString()! : "none";
                    var options = new ReplyParserOptions { Tools = tools, StartsInReasoning = reasoning == "think_open" };
                    var format = new ReplyFormat(CallsOf(root.GetProperty("format").GetString()!, reasoning), ReasoningOf(reasoning));
                    yield return new ToolCallCase(name, item, format, options) { IsOwn = folder == own };
                }
            }
        }
    }

    public ReplyParser Parser() => ReplyParser.Create(Format, _options);

    /// <summary>Which of the results that are right this one is: 0 is the expected one, others follow. Negative where it is none.</summary>
    public int Which(ReplyResult result)
    {
        IEnumerable<JsonElement> right = [_case.GetProperty("expected"), .. Accepted()];
        return right.Select((expected, index) => IsSame(result, expected) ? index : -1).FirstOrDefault(index => index >= 0, -1);
    }

    public string Expected() => _case.GetProperty("expected").GetRawText();

    public override string ToString() => Name;

    private IEnumerable<JsonElement> Accepted() => _case.TryGetProperty("accept", out JsonElement accept) ? accept.EnumerateArray() : [];

    private bool IsSame(ReplyResult result, JsonElement expected)
    {
        string content = expected.GetProperty("content").GetString() ?? "";
        bool isSameText = IsExact && expected.GetProperty("calls").GetArrayLength() == 0
            && expected.GetProperty("reasoning").GetString() is null
            ? result.Text == content
            : Folded(result.Text) == Folded(content);
        JsonElement[] calls = [.. expected.GetProperty("calls").EnumerateArray()];
        return isSameText && Folded(result.Reasoning) == Folded(expected.GetProperty("reasoning").GetString() ?? "")
            && calls.Length == result.Calls.Count
            && calls.Zip(result.Calls).All(pair => IsSame(pair.Second, pair.First));
    }

    private static bool IsSame(ToolCallPart call, JsonElement expected) => call.Name == expected.GetProperty("name").GetString()
        && JsonEquality.AreEqual(JsonDocument.Parse(call.Arguments).RootElement, expected.GetProperty("arguments"));

    // Which whitespace is kept around calls and thoughts is free: every run of it is one space, and none at the ends.
    private static string Folded(string text)
    {
        var folded = new StringBuilder();
        foreach (string word in text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
        {
            folded.Append(folded.Length > 0 ? " " : "").Append(word);
        }

        return folded.ToString();
    }

    private static ToolCallFormat CallsOf(string format, string reasoning) => format switch
    {
        "deepseek_v3" or "deepseek_v31" => ToolCallFormat.DeepSeek,
        "reasoning" => reasoning == "mistral" ? ToolCallFormat.Mistral : ToolCallFormat.Hermes,
        _ => ToolCallFormat.All.Single(known => known.Name == format),
    };

    private static ReasoningFormat ReasoningOf(string format) =>
        format == "think_open" ? ReasoningFormat.Think : ReasoningFormat.All.Single(known => known.Name == format);
}
