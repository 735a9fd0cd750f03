namespace SLoRA;

/// <summary>How a prompt is answered, whatever it is: which adapters, how tokens are chosen, when to stop.</summary>
public record GenerationOptions
{
    /// <summary>The most <see cref="Adapters"/>.</summary>
    public const int MaxAdapters = 16;

    /// <summary>The most <see cref="StopTokens"/>.</summary>
    public const int MaxStopTokens = 256;

    /// <summary>The most characters (UTF-16 code units) of <see cref="RequestId"/> and <see cref="ClientId"/>.</summary>
    public const int MaxIdLength = 256;

    /// <summary>The highest <see cref="Priority"/>; the lowest is as far below 0.</summary>
    public const int MaxPriority = 8;

    /// <summary>The most characters (UTF-16 code units) of <see cref="CacheSalt"/>.</summary>
    public const int MaxSaltLength = 256;

    /// <summary>
    /// The one adapter of the request, at weight 1; null for the base model. Use <see cref="Adapters"/> for weights or for several.
    /// </summary>
    public string? Adapter { get; init; }

    /// <summary>
    /// The adapters of the request with their weights: their deltas are summed, <c>W x + Σ weight · scale · B (A x)</c>, in this order.
    /// Empty for the base model, at most <see cref="MaxAdapters"/>. Excludes <see cref="Adapter"/>.
    /// </summary>
    public IReadOnlyList<AdapterUse> Adapters { get; init; } = [];

    /// <summary>
    /// The most tokens to generate, at least 1. Prompt and answer together must fit into the model's context. Null takes
    /// <see cref="SchedulingOptions.DefaultMaxTokens"/>, or what the context leaves if that is less.
    /// </summary>
    public int? MaxTokens { get; init; }

    /// <summary>How tokens are chosen; greedy unless said otherwise.</summary>
    public SamplingOptions Sampling { get; init; } = SamplingOptions.Greedy;

    /// <summary>
    /// Tokens that end the answer besides the model's own, at most <see cref="MaxStopTokens"/>. A stop token is not part of the answer.
    /// </summary>
    public IReadOnlyList<int> StopTokens { get; init; } = [];

    /// <summary>Goes on past the tokens that end a text for this model; <see cref="StopTokens"/> still count.</summary>
    public bool IgnoreEndOfText { get; init; }

    /// <summary>
    /// Independent continuations of the prompt, 1 (the default) to <see cref="SchedulingOptions.MaxRunning"/>. They share the pages of the
    /// prompt and draw different random numbers; their tokens come in one stream.
    /// </summary>
    public int Continuations { get; init; } = 1;

    /// <summary>Ends continuations by their text, for instance; null for none. One instance may serve any number of requests.</summary>
    public IStopCondition? StopCondition { get; init; }

    /// <summary>Changes logits before a token is chosen; null for none.</summary>
    public ILogitsHook? LogitsHook { get; init; }

    /// <summary>Which log-probabilities to report; null for none.</summary>
    public LogProbabilityOptions? LogProbabilities { get; init; }

    /// <summary>
    /// Separates what the engine may share: keys and values of prompts and answers are reused only between requests with equal salts. Give
    /// tenants that must not learn from each other's latencies a salt each, of at most <see cref="MaxSaltLength"/> characters. Null (the
    /// default) shares with all others that have none.
    /// </summary>
    public string? CacheSalt { get; init; }

    /// <summary>
    /// How long the request may take from its arrival to its end; then it fails with <see cref="DeadlineExceededException"/>, and its
    /// tokens so far remain. Positive, and less than 49 days. Null for any time.
    /// </summary>
    public TimeSpan? Deadline { get; init; }

    /// <summary>
    /// How soon the first token is wanted, from the request's arrival; null (the default) for no particular time. Positive, and less than
    /// 49 days. Under <see cref="SchedulingPolicy.AbortsLate"/> a request that waits and can no longer have it fails with
    /// <see cref="FirstTokenTargetException"/> at once; otherwise it changes nothing.
    /// </summary>
    public TimeSpan? FirstTokenTarget { get; init; }

    /// <summary>
    /// Higher goes first under <see cref="SchedulingPolicy.Priorities"/>; otherwise it changes nothing. From −<see cref="MaxPriority"/> to
    /// <see cref="MaxPriority"/>; the default is 0.
    /// </summary>
    public int Priority { get; init; }

    /// <summary>
    /// What the caller calls this request, in traces and logs; the engine gives it no meaning. At most <see cref="MaxIdLength"/>
    /// characters; null for none.
    /// </summary>
    public string? RequestId { get; init; }

    /// <summary>
    /// Whom the request is made for: a tenant, a user, an API key's name. It is told in traces, and what shares the engine fairly counts by
    /// it. At most <see cref="MaxIdLength"/> characters; null for nobody in particular.
    /// </summary>
    public string? ClientId { get; init; }

    /// <summary>
    /// Whose work it is under <see cref="AccountKey.Account"/>: a plan, a department, whatever the host counts by. At most
    /// <see cref="MaxIdLength"/> characters; null takes <see cref="ClientId"/>.
    /// </summary>
    public string? Account { get; init; }
}
