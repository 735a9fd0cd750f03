namespace SLoRA.Text.Tokenization.Reading;

/// <summary>What the files beside tokenizer.json say.</summary>
internal sealed class TokenizerConfiguration
{
    public static TokenizerConfiguration Empty { get; } =
        new() { Tokens = ConfiguredTokens.None, ChatTemplates = new Dictionary<string, string>() };

    public required ConfiguredTokens Tokens { get; init; }

    /// <summary>Template texts by name; the nameless one is <c>default</c>.</summary>
    public required IReadOnlyDictionary<string, string> ChatTemplates { get; init; }

    public bool? AddBosToken { get; init; }

    public bool? AddEosToken { get; init; }
}
