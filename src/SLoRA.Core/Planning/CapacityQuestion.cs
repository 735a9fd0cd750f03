namespace SLoRA;

/// <summary>What a deployment is to serve: the question that <see cref="CapacityPlanner"/> answers.</summary>
public sealed record CapacityQuestion
{
    /// <summary>The folder of the base model; only its <c>config.json</c> is read.</summary>
    public required string Model { get; init; }

    /// <summary>The device.</summary>
    public required DeviceProfile Device { get; init; }

    /// <summary>What is asked of it.</summary>
    public required TrafficProfile Traffic { get; init; }

    /// <summary>The adapters that are registered. The default is none.</summary>
    public IReadOnlyList<AdapterGroup> Adapters { get; init; } = [];

    /// <summary>
    /// Bytes of the weights in the device's memory; null (the default) for those of the types that <c>config.json</c> names. Give it for
    /// a model that is quantised.
    /// </summary>
    public long? WeightBytes { get; init; }

    /// <summary>
    /// The options of the pool. <see cref="PoolOptions.Bytes"/> is what the plan says, and not looked at.
    /// </summary>
    public PoolOptions Pool { get; init; } = new();

    /// <summary>The limits of the engine.</summary>
    public SchedulingOptions Scheduling { get; init; } = new();
}

/// <summary>Adapters that are alike.</summary>
public sealed record AdapterGroup
{
    /// <summary>How many. At least 0, and at most ten million.</summary>
    public required int Count { get; init; }

    /// <summary>Their rank, at least 1.</summary>
    public required int Rank { get; init; }

    /// <summary>The last parts of the names of the modules that they change. The default is q, k, v and o.</summary>
    public IReadOnlyList<string> Modules { get; init; } = ["q_proj", "k_proj", "v_proj", "o_proj"];
}

/// <summary>Requests as they come on average, all day long.</summary>
public sealed record TrafficProfile
{
    /// <summary>Requests per second. Positive.</summary>
    public required double RequestsPerSecond { get; init; }

    /// <summary>Tokens of a prompt. At least 1.</summary>
    public required int PromptTokens { get; init; }

    /// <summary>Tokens of an answer. At least 1.</summary>
    public required int OutputTokens { get; init; }

    /// <summary>
    /// How much answers differ in length: the standard deviation of their tokens divided by <see cref="OutputTokens"/>. 0 (the default) if
    /// all are alike, 0.58 if all lengths up to twice the mean are as likely, 1 if they fall off exponentially. Longer answers hold their
    /// pages for longer, so that those that run are longer on average than those that are asked for. At least 0 and at most 10.
    /// </summary>
    public double OutputVariation { get; init; }

    /// <summary>
    /// The exponent of Zipf's law that adapters are asked for by: 0 (the default) all alike, 1 as websites are. At least 0 and at most 4.
    /// </summary>
    public double Skew { get; init; }

    /// <summary>
    /// Tokens of the answers that are being generated at any moment, on average: each length counts as often as it takes steps.
    /// </summary>
    internal double RunningOutputTokens => OutputTokens * (1 + (OutputVariation * OutputVariation));
}
