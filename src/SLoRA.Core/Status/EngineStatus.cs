namespace SLoRA;

/// <summary>The engine between two steps. All of its numbers are of the same moment.</summary>
public sealed record EngineStatus
{
    /// <summary>What the engine computes on.</summary>
    public required BackendStatus Backend { get; init; }

    /// <summary>Sequences that run: each continuation of a request is one.</summary>
    public required int Running { get; init; }

    /// <summary>Requests that wait to be admitted.</summary>
    public int Waiting => Queue.Total;

    /// <summary>The waiting requests, by what they wait for.</summary>
    public required QueueStatus Queue { get; init; }

    /// <summary>Requests that have ended, for whatever reason, since the engine was built.</summary>
    public required long EndedRequests { get; init; }

    /// <summary>Leases that requests hold on adapters, waiting ones included: one for each adapter of each continuation.</summary>
    public required int Leases { get; init; }

    /// <summary>Adapters' contents that have pages now.</summary>
    public int ResidentAdapters => AdapterCache.Resident;

    /// <summary>The adapters in the pool, and what became of the requests for them.</summary>
    public required AdapterCacheStatus AdapterCache { get; init; }

    /// <summary>Keys and values that requests found computed already.</summary>
    public required PrefixCacheStatus PrefixCache { get; init; }

    /// <summary>How often a running sequence had to give its pages to others and wait.</summary>
    public required long Preemptions { get; init; }

    /// <summary>Who has the pages of the pool.</summary>
    public required PoolStatus Pool { get; init; }

    /// <summary>Steps since the engine was built.</summary>
    public required long Steps { get; init; }

    /// <summary>Tokens, of prompts and answers, whose keys and values have been computed.</summary>
    public required long ComputedTokens { get; init; }

    /// <summary>Those of prompts; twice when a preempted sequence computes them again.</summary>
    public required long PromptTokens { get; init; }

    /// <summary>Rows whose logits have been computed.</summary>
    public required long SampledTokens { get; init; }

    /// <summary>Tokens that were handed to streams.</summary>
    public required long GeneratedTokens { get; init; }

    /// <summary>What the last step computed, and how long it took.</summary>
    public required StepStatus LastStep { get; init; }

    /// <summary>
    /// The accounts of the policy, the first <see cref="MetricsOptions.MaxAccountTags"/> by name and the others together, each of one
    /// moment. Empty under a policy without <see cref="SchedulingPolicy.Shares"/> and quotas.
    /// </summary>
    public IReadOnlyList<AccountStatus> Accounts { get; init; } = [];
}
