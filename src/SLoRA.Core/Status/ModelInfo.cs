namespace SLoRA;

/// <summary>The base model of an engine.</summary>
public sealed record ModelInfo
{
    /// <summary>The folder that it was loaded from, as it was given to <see cref="LoraServingEngineBuilder.UseModel"/>.</summary>
    public required string Folder { get; init; }

    /// <summary>Its architecture, such as <c>LlamaForCausalLM</c>.</summary>
    public required string Architecture { get; init; }

    /// <summary>Token ids are 0 to this, exclusive.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Width of the residual stream, in elements.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Number of layers.</summary>
    public required int LayerCount { get; init; }

    /// <summary>The most tokens of prompt and answer together.</summary>
    public required int ContextLength { get; init; }

    /// <summary>Number of weights: the elements of all its tensors, a tied head counted once.</summary>
    public required long ParameterCount { get; init; }

    /// <summary>Ids of the tokens that end a text for this model; requests end at them unless they ignore the end of a text.</summary>
    public required IReadOnlyList<int> EndOfTextTokens { get; init; }

    /// <summary>
    /// How the model's authors recommend to choose tokens: temperature, top-k, top-p, min-p and repetition penalty of
    /// generation_config.json; greedy where that says nothing. Requests that do not take it are not changed by it.
    /// </summary>
    public SamplingOptions RecommendedSampling { get; init; } = SamplingOptions.Greedy;
}
