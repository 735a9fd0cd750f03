namespace SLoRA;

/// <summary>The base model of an engine.</summary>
public sealed record ModelInfo
{
    /// <summary>The folder it was loaded from.</summary>
    public required string Folder { get; init; }

    /// <summary>Its architecture, such as <c>LlamaForCausalLM</c>.</summary>
    public required string Architecture { get; init; }

    /// <summary>Token ids are 0 to this, exclusive.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Width of a hidden state.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Layers.</summary>
    public required int LayerCount { get; init; }

    /// <summary>The most tokens of prompt and answer together.</summary>
    public required int ContextLength { get; init; }

    /// <summary>Elements of all weights.</summary>
    public required long ParameterCount { get; init; }

    /// <summary>Tokens that end a text.</summary>
    public required IReadOnlyList<int> EndOfTextTokens { get; init; }
}
