namespace SLoRA.Text;

/// <summary>
/// Answers texts and conversations with texts: encodes, generates, decodes, and stops at stop strings, which are given once. Stands in
/// front of any engine; thread-safe, and holds nothing of a request.
/// </summary>
public sealed class TextGenerator
{
    /// <summary>Puts the two together.</summary>
    /// <param name="engine">Who answers.</param>
    /// <param name="tokenizer">The tokenizer of the engine's model.</param>
    public TextGenerator(ILoraEngine engine, ModelTokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(engine);
        ArgumentNullException.ThrowIfNull(tokenizer);
        Engine = engine;
        Tokenizer = tokenizer;
    }

    /// <summary>Who answers.</summary>
    public ILoraEngine Engine { get; }

    /// <summary>The tokenizer of the engine's model.</summary>
    public ModelTokenizer Tokenizer { get; }

    /// <summary>
    /// Generates the answer to one request. It is encoded and checked here, on the caller's thread, and handed in when the enumeration
    /// starts.
    /// </summary>
    /// <param name="request">What is asked.</param>
    /// <param name="cancellationToken">Ends the request within one step.</param>
    /// <exception cref="InvalidRequestException">A value is out of its range, or the request has no prompt, or two.</exception>
    /// <exception cref="AdapterNotFoundException">A name is not registered.</exception>
    /// <exception cref="ChatTemplateException">The template refuses the conversation, or there is none.</exception>
    /// <exception cref="TokenizerException">The text holds what the vocabulary cannot express.</exception>
    public TextGeneration GenerateAsync(TextRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        string[] stops = StopsOf(request);
        var generation = new GenerationRequest(request) { Prompt = Encode(request) };
        if (stops.Length > 0)
        {
            generation = generation with { StopCondition = Tokenizer.CreateStopCondition(stops) };
        }

        return new TextGeneration(
            Engine.GenerateAsync(generation, cancellationToken), Tokenizer, request.SkipSpecialTokens, stops);
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

    private int[] Encode(TextRequest request) => request switch
    {
        { Messages: { } messages, Prompt: null } => Tokenizer.EncodeChat(messages, request.Rendering),
        { Messages: null, Prompt: { } prompt } => Tokenizer.Encode(prompt),
        { Messages: null } => throw new InvalidRequestException(
            nameof(TextRequest.Messages), "Neither Messages nor Prompt is given; a request needs one of them."),
        _ => throw new InvalidRequestException(
            nameof(TextRequest.Prompt), "Messages and Prompt are both given; a request uses one of them."),
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
