using System.Globalization;

namespace SLoRA.Core.Tests.Engine.Histories;

/// <summary>What decides the answer of a request, apart from the adapters' contents.</summary>
/// <param name="Prompt">Which prompt: those of one family begin alike.</param>
/// <param name="MaxTokens">The limit.</param>
/// <param name="Continuations">How many.</param>
/// <param name="IsSampled">Drawn by a seed rather than greedy.</param>
internal sealed record Question(int Prompt, int MaxTokens, int Continuations, bool IsSampled)
{
    private static readonly int[] Lengths = [1, 5, 15, 16, 17, 31, 40, 52];
    private static readonly int[] Limits = [1, 3, 8, 20, 50, 90];
    private static readonly SamplingOptions Sampled = new() { Temperature = 0.9f, TopK = 40, Seed = 11 };

    /// <summary>The question that an argument stands for.</summary>
    public static Question Of(int argument) =>
        new(argument % 16, Limits[argument / 16 % 6], argument / 96 % 8 == 0 ? 3 : 1, argument / 768 % 4 == 0);

    /// <summary>The request, for the base of a model with so many tokens and without a salt.</summary>
    public GenerationRequest ToRequest(int vocabulary)
    {
        int family = Prompt / 8;
        int length = Lengths[Prompt % 8];
        return new GenerationRequest
        {
            Prompt = Invoked([.. Enumerable.Range(0, length).Select(i => (family * 100) + i + (i == length - 1 ? Prompt : 0))])
                .Select(token => token % vocabulary).ToArray(),
            MaxTokens = MaxTokens,
            Continuations = Continuations,
            Sampling = IsSampled ? Sampled : SamplingOptions.Greedy,
            LogProbabilities = new LogProbabilityOptions(),
            IgnoreEndOfText = MaxTokens > 8,
        };
    }

    /// <summary>
    /// Those of the second family have the invocation of the activated adapter, each at another distance from its end: before it, over and
    /// behind the borders of pages, and, where it does not fit any more, not whole.
    /// </summary>
    private int[] Invoked(int[] prompt)
    {
        int at = Math.Max(0, prompt.Length - 3 - (Prompt * 3 % 7));
        for (int i = 0; Prompt >= 8 && i < SteppedEngine.Invocation.Count && at + i < prompt.Length; i++)
        {
            prompt[at + i] = SteppedEngine.Invocation[i];
        }

        return prompt;
    }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"prompt {Prompt}, {Continuations} × {MaxTokens} tokens, {(IsSampled ? "sampled" : "greedy")}");
}
