using SLoRA.Step;

namespace SLoRA.Sampling;

/// <summary>
/// Chooses the tokens of one sequence. It remembers what the penalties need and nothing else: random numbers are a function of seed,
/// continuation and the index of the generated token, so a token chosen again is the same token. Allocates nothing per token.
/// </summary>
internal sealed class Sampler
{
    // More distinct tokens than this are rare: the table grows then.
    private const int MaxInitialHistory = 8192;

    private readonly SamplingOptions _options;
    private readonly ILogitsHook? _hook;
    private readonly LogitBias? _bias;
    private readonly TokenHistory? _history;
    private readonly ulong _seed;
    private readonly int _promptLength;
    private readonly int _continuation;
    private int _remembered;

    /// <summary>Prepares a sequence.</summary>
    /// <param name="options">Validated options.</param>
    /// <param name="seed">See <see cref="SeedSource.SeedFor"/>.</param>
    /// <param name="promptLength">The number of prompt tokens.</param>
    /// <param name="maxTokens">How many tokens may be generated; sizes the history.</param>
    /// <param name="continuation">Which of the request's continuations this is.</param>
    /// <param name="hook">The request's hook.</param>
    public Sampler(SamplingOptions options, ulong seed, int promptLength, int maxTokens, int continuation = 0, ILogitsHook? hook = null)
    {
        _options = options;
        _seed = seed;
        _promptLength = promptLength;
        _continuation = continuation;
        _hook = hook;
        _bias = options.LogitBias is { Count: > 0 } bias ? new LogitBias(bias) : null;

        bool penalisesPrompt = options.RepetitionPenalty != 1;
        if (penalisesPrompt || options.PresencePenalty != 0 || options.FrequencyPenalty != 0)
        {
            _history = new TokenHistory((int)Math.Min(MaxInitialHistory, (penalisesPrompt ? promptLength : 0L) + maxTokens));
        }

        // Without a repetition penalty the prompt is not looked at.
        _remembered = penalisesPrompt ? 0 : promptLength;
    }

    /// <summary>Whether the token is the largest logit rather than a draw.</summary>
    public bool IsGreedy => _options.Temperature == 0;

    /// <summary>Whether penalties, bias or a hook change the logits.</summary>
    private bool ChangesLogits => _history is not null || _bias is not null || _hook is not null;

    /// <summary>Chooses the next token.</summary>
    /// <param name="logits">The model's logits of the sequence's last row, one per token of the vocabulary; they are not changed.</param>
    /// <param name="tokens">The sequence so far: prompt, then generated tokens. It only ever grows from call to call.</param>
    /// <param name="scratch">Buffers; they hold the distribution afterwards (see <see cref="LogProbabilities"/>).</param>
    /// <exception cref="InvalidLogitsException">No token can be chosen. What a hook throws passes through.</exception>
    public int Next(ReadOnlySpan<float> logits, ReadOnlySpan<int> tokens, SamplingScratch scratch)
    {
        if (IsGreedy)
        {
            return ArgMax.Of(ChangesLogits ? Change(logits, tokens, scratch) : logits);
        }

        Candidates candidates = Distribution(logits, tokens, scratch);
        int index = tokens.Length - _promptLength;
        return InverseTransform.Draw(candidates, Philox.Uniform(_seed, (ulong)index, (ulong)_continuation));
    }

    /// <summary>
    /// Describes the next choice for a device that chooses by itself, if it can: a hook of the host program needs the logits here.
    /// </summary>
    /// <param name="output">The output row that the logits will stand in.</param>
    /// <param name="tokens">The sequence so far, as for <see cref="Next"/>.</param>
    /// <param name="choices">Receives the description.</param>
    public bool TryDescribe(int output, ReadOnlySpan<int> tokens, TokenChoices choices)
    {
        if (_hook is not null)
        {
            return false;
        }

        if (_history is not null)
        {
            Remember(tokens);
        }

        double uniform = IsGreedy ? 0 : Philox.Uniform(_seed, (ulong)(tokens.Length - _promptLength), (ulong)_continuation);
        var choice = new TokenChoice(
            output,
            _options.Temperature,
            _options.TopK,
            TopP.Removable(_options.TopP),
            _options.MinP,
            (float)uniform,
            _options.RepetitionPenalty,
            _options.PresencePenalty,
            _options.FrequencyPenalty,
            FirstSeen: 0,
            SeenCount: 0,
            FirstBias: 0,
            BiasCount: 0);
        choices.Add(choice, _history is null ? [] : _history.Tokens, _history is null ? [] : _history.GeneratedCounts, _bias is null
            ? []
            : _bias.Tokens, _bias is null ? [] : _bias.Values);
        return true;
    }

    /// <summary>
    /// The log-probability of the token that <see cref="Next"/> has just chosen, and the most probable tokens, from the distribution asked
    /// for.
    /// </summary>
    /// <param name="source">Which distribution.</param>
    /// <param name="logits">The same logits that <see cref="Next"/> was given.</param>
    /// <param name="scratch">The same scratch, not used since.</param>
    /// <param name="token">The token.</param>
    /// <param name="top">Receives the most probable tokens, most probable first.</param>
    /// <param name="count">How many tokens <paramref name="top"/> received: fewer than its length when fewer have a probability above
    /// 0.</param>
    public float LogProbability(
        LogProbabilitySource source,
        ReadOnlySpan<float> logits,
        SamplingScratch scratch,
        int token,
        Span<TokenLogProbability> top,
        out int count)
    {
        if (source == LogProbabilitySource.Model || (IsGreedy && !ChangesLogits))
        {
            return LogProbabilities.OfLogits(logits, token, top, out count);
        }

        return IsGreedy
            ? LogProbabilities.OfLogits(scratch.Candidates.Logits, token, top, out count)
            : LogProbabilities.OfCandidates(scratch.Candidates, token, top, out count);
    }

    /// <summary>All stages for a temperature above 0: what is left afterwards, weighted.</summary>
    internal Candidates Distribution(ReadOnlySpan<float> logits, ReadOnlySpan<int> tokens, SamplingScratch scratch)
    {
        Candidates candidates = scratch.Candidates;
        Temperature.Apply(Change(logits, tokens, scratch), _options.Temperature);
        if (_options.TopK > 0)
        {
            TopK.Apply(candidates, _options.TopK);
        }

        Softmax.Weigh(candidates);
        if (_options.TopP < 1)
        {
            TopP.Apply(candidates, _options.TopP, scratch.Keys);
        }

        if (_options.MinP > 0)
        {
            MinP.Apply(candidates, _options.MinP);
        }

        return candidates;
    }

    // The stages that act at any temperature, on a copy.
    private Span<float> Change(ReadOnlySpan<float> logits, ReadOnlySpan<int> tokens, SamplingScratch scratch)
    {
        scratch.Candidates.Load(logits);
        Span<float> changed = scratch.Candidates.Logits;
        if (_history is not null)
        {
            Remember(tokens);
            if (_options.RepetitionPenalty != 1)
            {
                RepetitionPenalty.Apply(changed, _history.Tokens, _options.RepetitionPenalty);
            }

            CountPenalty.Apply(changed, _history.Tokens, _history.GeneratedCounts, _options.PresencePenalty, _options.FrequencyPenalty);
        }

        _bias?.Apply(changed);
        _hook?.Apply(new LogitsContext(tokens[.._promptLength], tokens[_promptLength..], _continuation), changed);
        return changed;
    }

    private void Remember(ReadOnlySpan<int> tokens)
    {
        if (_remembered < _promptLength)
        {
            _history!.AddPrompt(tokens[_remembered.._promptLength]);
            _remembered = _promptLength;
        }

        _history!.AddGenerated(tokens[_remembered..]);
        _remembered = tokens.Length;
    }
}
