using System.Collections.Concurrent;
using System.Text.Json;

namespace SLoRA.Text.Tests.Tokenization;

/// <summary>
/// A file of cases for one tokenizer: those under tests/fixtures/text, and under the folders that the environment variable
/// SLORA_TEXT_FIXTURES names. The real tokenizers are looked for in the folders that SLORA_TOKENIZERS names.
/// </summary>
internal sealed class TokenizerFixture
{
    private static readonly ConcurrentDictionary<string, Lazy<ModelTokenizer>> Tokenizers = new();

    private readonly Lazy<JsonElement> _root;

    private TokenizerFixture(string folder, string file)
    {
        Folder = folder;
        File = file;
        _root = new Lazy<JsonElement>(() => JsonDocument.Parse(System.IO.File.ReadAllBytes(file)).RootElement);
    }

    /// <summary>The folder as it was given.</summary>
    public string Folder { get; }

    public string File { get; }

    public string Name => Root.GetProperty("name").GetString()!;

    public JsonElement Root => _root.Value;

    /// <summary>The path of the tokenizer.json, or null when it is not on this machine.</summary>
    public string? TokenizerPath => Root.TryGetProperty("tokenizer", out JsonElement own)
        ? Path.Combine(Path.GetDirectoryName(File)!, own.GetString()!)
        : Installed(Root.GetProperty("package").GetString()!, Root.GetProperty("path").GetString()!);

    /// <summary>Folders laid out as tests/fixtures/text, with the name each goes by.</summary>
    public static IEnumerable<(string Name, string Path)> Folders()
    {
        yield return ("tests/fixtures/text", RepositoryFolder.Fixtures);
        foreach (string folder in Split("SLORA_TEXT_FIXTURES"))
        {
            yield return (folder, folder);
        }
    }

    public static IReadOnlyList<TokenizerFixture> All { get; } = [.. Folders().SelectMany(folder =>
        Files(folder.Path, "synthetic", "*.cases.json").Concat(Files(folder.Path, "tokenizers", "*.json"))
            .Select(file => new TokenizerFixture(folder.Name, file)))];

    /// <summary>Those whose tokenizer is on this machine.</summary>
    public static IEnumerable<TokenizerFixture> Present => All.Where(fixture => fixture.TokenizerPath is not null);

    /// <summary>One test per item of a section, of the tokenizers that are on this machine.</summary>
    public static IEnumerable<TestCaseData> Cases(string section)
    {
        foreach (TokenizerFixture fixture in Present)
        {
            if (!fixture.Root.TryGetProperty(section, out JsonElement items))
            {
                continue;
            }

            for (int index = 0; index < items.GetArrayLength(); index++)
            {
                yield return new TestCaseData(fixture, index).SetArgDisplayNames(fixture.Folder, fixture.Name, index.ToString());
            }
        }
    }

    public JsonElement Item(string section, int index) => Root.GetProperty(section)[index];

    /// <summary>The tokenizer, loaded once.</summary>
    public ModelTokenizer Tokenizer() =>
        Tokenizers.GetOrAdd(
            TokenizerPath!,
                key => new Lazy<ModelTokenizer>(() => SLoRA.Text.ModelTokenizer.FromJson(System.IO.File.ReadAllBytes(key)))).Value;

    public static string? Installed(string package, string path) => Split("SLORA_TOKENIZERS")
        .Select(folder => Path.Combine(folder, "node_modules", package, path))
        .FirstOrDefault(System.IO.File.Exists);

    public override string ToString() => $"{Folder} {Name}";

    private static IEnumerable<string> Files(string folder, string part, string pattern)
    {
        string path = Path.Combine(folder, part);
        return Directory.Exists(path) ? Directory.GetFiles(path, pattern).Order(StringComparer.Ordinal) : [];
    }

    private static string[] Split(string variable) =>
        (Environment.GetEnvironmentVariable(variable) ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
}
