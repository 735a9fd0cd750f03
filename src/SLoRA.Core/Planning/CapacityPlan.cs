namespace SLoRA;

/// <summary>What a deployment can be expected to do.</summary>
public sealed record CapacityPlan
{
    /// <summary>Bytes of the weights.</summary>
    public required long WeightBytes { get; init; }

    /// <summary>Bytes that are left for the pool: what <see cref="PoolOptions.Bytes"/> may be.</summary>
    public required long PoolBytes { get; init; }

    /// <summary>Bytes of a page.</summary>
    public required long PageBytes { get; init; }

    /// <summary>Tokens of a page.</summary>
    public required int PageTokens { get; init; }

    /// <summary>Pages of the pool.</summary>
    public required int Pages { get; init; }

    /// <summary>
    /// Pages that a request needs for its keys, values and states; where answers differ in length, of those that run on average.
    /// </summary>
    public required int RequestPages { get; init; }

    /// <summary>Pages of an adapter, on average; 0 without adapters.</summary>
    public required double AdapterPages { get; init; }

    /// <summary>Main memory for the contents of all adapters (<see cref="AdapterCacheOptions.HostBytes"/>).</summary>
    public required long HostBytes { get; init; }

    /// <summary>Requests that run at once, on average.</summary>
    public required double Running { get; init; }

    /// <summary>The most that could run at once, by pages and places.</summary>
    public required int MostRunning { get; init; }

    /// <summary>Adapters of average size that find room beside the requests that run.</summary>
    public required int AdaptersThatFit { get; init; }

    /// <summary>Adapters that stay in the pool: those that fit, and no more than there are.</summary>
    public required int Residents { get; init; }

    /// <summary>The share of requests whose adapter is in the pool when they come, if those stay that are asked for most.</summary>
    public required double HitRate { get; init; }

    /// <summary>Whether more is asked than the device can do: then requests wait ever longer.</summary>
    public required bool IsSaturated { get; init; }

    /// <summary>Requests per second that are answered.</summary>
    public required double RequestsPerSecond { get; init; }

    /// <summary>Tokens per second of all answers.</summary>
    public required double TokensPerSecond { get; init; }

    /// <summary>How long a step takes, which is also the time between two tokens of an answer.</summary>
    public required TimeSpan StepTime { get; init; }

    /// <summary>
    /// From arrival to the first token, on average; null when <see cref="IsSaturated"/>, since the queue has no length then.
    /// </summary>
    public required TimeSpan? FirstToken { get; init; }
}
