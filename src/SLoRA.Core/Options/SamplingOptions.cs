namespace SLoRA;

/// <summary>
/// How a token is chosen from the model's logits. The stages run in this order, each off by default: repetition penalty, presence and
/// frequency penalty, logit bias, <see cref="ILogitsHook"/>, temperature, top-k, top-p, min-p, softmax.
/// </summary>
/// <remarks>
/// The default is greedy: <see cref="Temperature"/> 0 takes the largest logit after penalties, bias and hook; equal logits go to the lowest
/// id. Immutable, except for the dictionary given as <see cref="LogitBias"/>, which is copied when a request is made. One instance may
/// serve any number of requests.
/// </remarks>
public sealed record SamplingOptions
{
    /// <summary>
    /// The most tokens of <see cref="LogitBias"/>: it is added for every token that is chosen. An <see cref="ILogitsHook"/> can do more.
    /// </summary>
    public const int MaxLogitBias = 4096;

    /// <summary>The defaults: greedy, no penalties, no bias.</summary>
    public static SamplingOptions Greedy { get; } = new();

    /// <summary>
    /// Divides the logits. 0 (the default) means greedy; otherwise positive and finite. Below 1 sharpens the distribution, above 1 flattens
    /// it.
    /// </summary>
    public float Temperature { get; init; }

    /// <summary>Keeps the tokens whose logit is at least the k-th largest; ties with it stay. 0 (the default) means off.</summary>
    public int TopK { get; init; }

    /// <summary>
    /// Removes the least likely tokens whose cumulative probability is at most 1 − <see cref="TopP"/>; the most likely token always stays.
    /// Above 0 and at most 1; 1 (the default) means off.
    /// </summary>
    public float TopP { get; init; } = 1;

    /// <summary>
    /// Removes tokens less likely than this share of the most likely token's probability. Between 0 and 1; 0 (the default) means off.
    /// </summary>
    public float MinP { get; init; }

    /// <summary>
    /// For every token of prompt and output, once: a positive logit is divided by it, any other multiplied. Positive and finite; 1 (the
    /// default) means off, above 1 discourages repetition.
    /// </summary>
    public float RepetitionPenalty { get; init; } = 1;

    /// <summary>
    /// Subtracted from the logit of every token that was generated before, the prompt not counted. Finite; 0 (the default) means off.
    /// </summary>
    public float PresencePenalty { get; init; }

    /// <summary>
    /// Subtracted from a token's logit once for each time it was generated before, the prompt not counted. Finite; 0 (the default) means
    /// off.
    /// </summary>
    public float FrequencyPenalty { get; init; }

    /// <summary>
    /// Added to the logits of the tokens that are its keys, at most <see cref="MaxLogitBias"/>. Ids of the vocabulary, finite values; null
    /// or empty (the default) means none.
    /// </summary>
    public IReadOnlyDictionary<int, float>? LogitBias { get; init; }

    /// <summary>
    /// Where the random numbers start; any value. The same request with the same seed gives the same tokens, alone or among others, on any
    /// number of threads. Null (the default): the engine draws a fresh seed for each request.
    /// </summary>
    public long? Seed { get; init; }

    /// <summary>Checks every range. The engine does so when a request arrives; a host program can do it earlier.</summary>
    /// <param name="vocabularySize">The number of tokens the model knows: the bias's ids must be below it.</param>
    /// <exception cref="InvalidRequestException">A value is out of its range; <see cref="InvalidRequestException.Parameter"/> names
    /// it.</exception>
    public void Validate(int vocabularySize)
    {
        Require(float.IsFinite(Temperature) && Temperature >= 0, nameof(Temperature), Temperature, "finite and not negative");
        if (TopK < 0)
        {
            throw InvalidRequestException.For(nameof(TopK), $"TopK is {TopK}; it must not be negative.");
        }

        Require(TopP is > 0 and <= 1, nameof(TopP), TopP, "above 0 and at most 1");
        Require(MinP is >= 0 and <= 1, nameof(MinP), MinP, "between 0 and 1");
        bool scales = float.IsFinite(RepetitionPenalty) && RepetitionPenalty > 0;
        Require(scales, nameof(RepetitionPenalty), RepetitionPenalty, "finite and above 0");
        Require(float.IsFinite(PresencePenalty), nameof(PresencePenalty), PresencePenalty, "finite");
        Require(float.IsFinite(FrequencyPenalty), nameof(FrequencyPenalty), FrequencyPenalty, "finite");
        if (LogitBias is not null)
        {
            ValidateBias(LogitBias, vocabularySize);
        }
    }

    private static void ValidateBias(IReadOnlyDictionary<int, float> bias, int vocabularySize)
    {
        int count = 0;
        foreach ((int token, float value) in bias)
        {
            if (++count > MaxLogitBias)
            {
                throw InvalidRequestException.For(nameof(LogitBias), $"LogitBias has more than {MaxLogitBias} items.");
            }

            if (token < 0 || token >= vocabularySize)
            {
                throw InvalidRequestException.For(
                    nameof(LogitBias), $"LogitBias names token {token}; the vocabulary has ids 0 to {vocabularySize - 1}.");
            }

            if (!float.IsFinite(value))
            {
                throw InvalidRequestException.For(nameof(LogitBias), $"LogitBias of token {token} is {value}; it must be finite.");
            }
        }
    }

    private static void Require(bool holds, string parameter, float value, string range)
    {
        if (!holds)
        {
            throw InvalidRequestException.For(parameter, $"{parameter} is {value}; it must be {range}.");
        }
    }
}
