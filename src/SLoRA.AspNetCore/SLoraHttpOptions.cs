using System.Security.Claims;

namespace SLoRA.AspNetCore;

/// <summary>What the endpoints take, how much of it, and from whom. Checked when they are mapped.</summary>
public sealed class SLoraHttpOptions
{
    /// <summary>
    /// What requests call the base model. Null (the default) takes what the engine's chat client among the host's services calls it, else
    /// the name of the folder that it was loaded from. Any other name is an adapter's.
    /// </summary>
    public string? ModelName { get; init; }

    /// <summary>The most bytes of a body; more is answered with 413. From 1 to 2³⁰, 4 MiB unless set.</summary>
    public long MaxBodyBytes { get; init; } = 4L << 20;

    /// <summary>The most tokens of a prompt, at least 1; more is answered with 400. Null (the default) leaves it to the context.</summary>
    public int? MaxPromptTokens { get; init; }

    /// <summary>
    /// The most tokens that a request may generate in each choice, at least 1; what a request gets that does not say. Null (the default)
    /// leaves both to the engine.
    /// </summary>
    public int? MaxCompletionTokens { get; init; }

    /// <summary>The largest <c>n</c>, 1 to 1024; 8 unless set.</summary>
    public int MaxChoices { get; init; } = 8;

    /// <summary>
    /// How long a request may take, waiting included: positive, less than 49 days, 10 minutes unless set. Then it ends with 504.
    /// </summary>
    public TimeSpan MaxTime { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// What <c>Retry-After</c> says when the queue is full or the server stops, rounded up to seconds: zero to a day, 1 second unless set.
    /// </summary>
    public TimeSpan RetryAfter { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Whether a caller may use and see a model, by the name of the adapter or of the base; unless set, everybody may use all. What a
    /// caller may not use does not exist for it: 404. Asked on the request's thread, for each request and for each model of a list.
    /// </summary>
    public Func<ClaimsPrincipal, string, bool> MayUse { get; init; } = static (_, _) => true;

    /// <summary>
    /// Whom a request is made for, at most <see cref="GenerationOptions.MaxIdLength"/> characters; null for nobody in particular. Unless
    /// set, it is the name of the caller's identity. It becomes <see cref="GenerationOptions.ClientId"/>, and the
    /// <see cref="GenerationOptions.CacheSalt"/>, so that no tenant learns from latencies what another has asked.
    /// </summary>
    public Func<ClaimsPrincipal, string?> ClientOf { get; init; } = static caller => caller.Identity?.Name;

    /// <summary>The clock of what answers say about their time.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Checks every range.</summary>
    /// <exception cref="InvalidOptionException">A value is out of its range.</exception>
    internal void Validate()
    {
        Require(
            ModelName is null or { Length: > 0 and <= AdapterUse.MaxNameLength }, nameof(ModelName),
            $"1 to {AdapterUse.MaxNameLength} characters");
        Require(MaxBodyBytes is >= 1 and <= 1L << 30, nameof(MaxBodyBytes), "between 1 and 2^30");
        Require(MaxPromptTokens is null or >= 1, nameof(MaxPromptTokens), "at least 1");
        Require(MaxCompletionTokens is null or >= 1, nameof(MaxCompletionTokens), "at least 1");
        Require(MaxChoices is >= 1 and <= 1024, nameof(MaxChoices), "between 1 and 1024");
        Require(MaxTime > TimeSpan.Zero && MaxTime < TimeSpan.FromDays(49), nameof(MaxTime), "positive and less than 49 days");
        Require(RetryAfter >= TimeSpan.Zero && RetryAfter <= TimeSpan.FromDays(1), nameof(RetryAfter), "between zero and a day");
        Require(MayUse is not null, nameof(MayUse), "a function");
        Require(ClientOf is not null, nameof(ClientOf), "a function");
        Require(Clock is not null, nameof(Clock), "a clock");
    }

    private static void Require(bool holds, string option, string range)
    {
        if (!holds)
        {
            throw new InvalidOptionException(option, $"{option} must be {range}.");
        }
    }
}
