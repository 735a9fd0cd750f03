using SLoRA;

namespace Quickstart;

/// <summary>How answers are generated.</summary>
/// <param name="MaxTokens">The most tokens of one answer.</param>
/// <param name="Temperature">0 takes the likeliest token.</param>
/// <param name="Seed">Makes sampled answers repeatable.</param>
/// <param name="IsRaw">Whether the prompt goes to the model as it is.</param>
internal sealed record AnswerSettings(int MaxTokens, float Temperature, long? Seed, bool IsRaw)
{
    public GenerationRequest Request(int[] prompt, string? adapter) => new()
    {
        Prompt = prompt,
        Adapter = adapter,
        MaxTokens = MaxTokens,
        Sampling = new SamplingOptions { Temperature = Temperature, Seed = Seed },
    };
}
