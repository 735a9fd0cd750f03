namespace SLoRA.Text;

/// <summary>
/// Answers texts and conversations with texts: encodes, generates, decodes, and stops at stop strings, which are given once. Stands in
/// front of any engine; thread-safe, and holds nothing of a request.
/// </summary>
public sealed class TextGenerator
{
    private readonly AdapterTokenizers _tokenizers;

    /// <summary>Puts the two together.</summary>
    /// <param name="engine">Who answers.</param>
    /// <param name="tokenizer">The tokenizer of the engine's model.</param>
    public TextGenerator(ILoraEngine engine, ModelTokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(engine);
        ArgumentNullException.ThrowIfNull(tokenizer);
        Engine = engine;
        Tokenizer = tokenizer;
        _tokenizers = new AdapterTokenizers(engine, tokenizer);
    }

    /// <summary>Who answers.</summary>
    public ILoraEngine Engine { get; }

    /// <summary>The tokenizer of the engine's model.</summary>
    public ModelTokenizer Tokenizer { get; }

    /// <summary>
    /// The tokenizer for what such a request is answered by: the model's, or, for an adapter that was trained with tokens of its own, the
    /// model's with these tokens, of which the <c>tokenizer.json</c> in the adapter's folder says what they are. Chat templates are the
    /// model's. Of an adapter that is not registered yet the model's.
    /// </summary>
    /// <param name="options">The request, of which only the adapter is asked.</param>
    /// <exception cref="TokenizerException">
    /// <c>tokenizer.adapter</c>: the adapter has tokens whose texts are not known, or its tokenizer is not the model's with more tokens.
    /// </exception>
    public ModelTokenizer TokenizerFor(GenerationOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return _tokenizers.Find(options) ?? Tokenizer;
    }

    /// <summary>
    /// Generates the answer to one request. It is encoded and checked here, on the caller's thread, and handed in when the enumeration
    /// starts.
    /// </summary>
    /// <param name="request">What is asked.</param>
    /// <param name="cancellationToken">Ends the request within one step.</param>
    /// <exception cref="InvalidRequestException">A value is out of its range, or the request has no prompt, or more than one.</exception>
    /// <exception cref="AdapterNotFoundException">A name is not registered.</exception>
    /// <exception cref="ChatTemplateException">The template refuses the conversation, or there is none.</exception>
    /// <exception cref="TokenizerException">The text holds what the vocabulary cannot express, or the adapter has tokens whose texts are
    /// not known.</exception>
    public TextGeneration GenerateAsync(TextRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        string[] stops = StopsOf(request);
        ModelTokenizer? known = _tokenizers.Find(request);
        ModelTokenizer tokenizer = known ?? Tokenizer;
        var generation = new GenerationRequest(request) { Prompt = Encode(request, tokenizer) };
        if (stops.Length > 0)
        {
            generation = generation with { StopCondition = tokenizer.CreateStopCondition(stops) };
        }

        return new TextGeneration(
            Engine.GenerateAsync(generation, cancellationToken), tokenizer, known is null ? _tokenizers : null, request.SkipSpecialTokens,
            stops);
    }

    /// <summary>Generates the answer to one request, and returns it when it is whole.</summary>
    /// <param name="request">What is asked.</param>
    /// <param name="cancellationToken">Ends the request within one step.</param>
    /// <returns>The answer. Whatever ends a request early is thrown.</returns>
    /// <inheritdoc cref="GenerateAsync" path="/exception"/>
    public async Task<TextAnswer> CompleteAsync(TextRequest request, CancellationToken cancellationToken = default)
    {
        TextGeneration generation = GenerateAsync(request, cancellationToken);
        var answer = new AnswerCollector(generation.Tokens.Request.Continuations);
        await foreach (TextUpdate update in generation.ConfigureAwait(false))
        {
            answer.Add(update);
        }

        return answer.Finish(generation.Tokens);
    }

    private static ReadOnlyMemory<int> Encode(TextRequest request, ModelTokenizer tokenizer) => request switch
    {
        { Messages: { } messages, Prompt: null, PromptTokens: null } => tokenizer.EncodeChat(messages, request.Rendering),
        { Messages: null, Prompt: { } prompt, PromptTokens: null } => tokenizer.Encode(prompt),
        { Messages: null, Prompt: null, PromptTokens: { } ids } => ids,
        { Messages: null, Prompt: null } => throw new InvalidRequestException(
            nameof(TextRequest.Messages), "Neither Messages nor Prompt nor PromptTokens is given; a request needs one of them."),
        _ => throw new InvalidRequestException(
            nameof(TextRequest.Prompt), "More than one of Messages, Prompt and PromptTokens is given; a request uses one of them."),
    };

    private static string[] StopsOf(TextRequest request)
    {
        if (request.StopStrings is null)
        {
            throw new InvalidRequestException(
                nameof(TextRequest.StopStrings), "StopStrings is null; leave it out, or give an empty list.");
        }

        string[] stops;
        try
        {
            stops = [.. request.StopStrings];
            _ = new Tokenization.StopStrings(stops);
        }
        catch (ArgumentException error)
        {
            throw new InvalidRequestException(nameof(TextRequest.StopStrings), $"StopStrings cannot be: {error.Message}", error);
        }

        return stops.Length == 0 || request.StopCondition is null
            ? stops
            : throw new InvalidRequestException(
                nameof(TextRequest.StopStrings), "StopStrings and StopCondition are both given; a request uses one of them.");
    }
}
