namespace SLoRA.Diagnostics;

/// <summary>The numbers of an engine at one moment between two steps.</summary>
internal record struct EngineCounts
{
    /// <summary>The pool.</summary>
    public PoolStatus Pool;

    /// <summary>Adapters in it.</summary>
    public AdapterCacheStatus AdapterCache;

    /// <summary>What the cache of prefixes was asked, and what it had.</summary>
    public PrefixCacheStatus Prefixes;

    /// <summary>How often a sequence was preempted.</summary>
    public long Preemptions;

    /// <summary>Requests that wait.</summary>
    public QueueStatus Queue;

    /// <summary>The last step.</summary>
    public StepStatus LastStep;

    /// <summary>Sequences that run.</summary>
    public int Running;

    /// <summary>Leases held on adapters.</summary>
    public int Leases;

    /// <summary>Requests that have ended.</summary>
    public long Ended;

    /// <summary>Rows computed.</summary>
    public long ComputedTokens;

    /// <summary>Those that were tokens of prompts.</summary>
    public long PromptTokens;

    /// <summary>Rows whose logits were computed.</summary>
    public long SampledTokens;

    /// <summary>Tokens handed to streams.</summary>
    public long GeneratedTokens;
}
