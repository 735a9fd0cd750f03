namespace SLoRA.Text;

/// <summary>A text or a conversation that is to be answered, and how.</summary>
public sealed record TextRequest : GenerationOptions
{
    /// <summary>Creates a request with the defaults of all options.</summary>
    public TextRequest()
    {
    }

    /// <summary>Creates a request with given options.</summary>
    /// <param name="options">The options; of a derived record only these.</param>
    public TextRequest(GenerationOptions options)
        : base(options)
    {
    }

    /// <summary>
    /// The conversation so far, oldest first; the model's chat template makes the prompt of it. Either this or <see cref="Prompt"/>.
    /// </summary>
    public IReadOnlyList<TemplateMessage>? Messages { get; init; }

    /// <summary>Tools, documents, variables and the template for <see cref="Messages"/>; null for none of them.</summary>
    public ChatRenderOptions? Rendering { get; init; }

    /// <summary>
    /// The prompt as it is, without a template; the tokens that begin a text are added as the tokenizer does. Either this or
    /// <see cref="Messages"/>.
    /// </summary>
    public string? Prompt { get; init; }

    /// <summary>
    /// The prompt as the ids of its tokens, for callers that have encoded it already. In place of <see cref="Messages"/> and
    /// <see cref="Prompt"/>.
    /// </summary>
    public ReadOnlyMemory<int>? PromptTokens { get; init; }

    /// <summary>
    /// Texts that end a continuation, and of which nothing is shown: none of them empty, at most 65,536 characters together. They may hold
    /// special tokens. Excludes <see cref="GenerationOptions.StopCondition"/>.
    /// </summary>
    public IReadOnlyList<string> StopStrings { get; init; } = [];

    /// <summary>Whether special tokens are left out of the answer's text; true unless said otherwise.</summary>
    public bool SkipSpecialTokens { get; init; } = true;
}
