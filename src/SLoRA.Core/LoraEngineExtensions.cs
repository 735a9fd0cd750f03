using SLoRA.Requests;

namespace SLoRA;

/// <summary>What any <see cref="ILoraEngine"/> can do by way of its streams.</summary>
public static class LoraEngineExtensions
{
    /// <summary>Generates the answer to one request, and returns it when it is whole.</summary>
    /// <param name="engine">Who answers.</param>
    /// <param name="request">What is asked.</param>
    /// <param name="cancellationToken">Ends the request within one step.</param>
    /// <returns>The answer. Whatever ends a request early is thrown, as <see cref="GenerationStream"/> says.</returns>
    public static async Task<GenerationResult> CompleteAsync(
        this ILoraEngine engine, GenerationRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(engine);
        IGenerationStream stream = engine.GenerateAsync(request, cancellationToken);
        var answer = new ContinuationCollector(stream.Request.Continuations);
        await foreach (GenerationUpdate update in stream.Updates.ConfigureAwait(false))
        {
            answer.Add(update);
        }

        return new GenerationResult
        {
            Continuations = answer.Finish(),
            Usage = stream.Usage!,
            PromptLogProbabilities = stream.PromptLogProbabilities,
        };
    }
}
