namespace SLoRA;

/// <summary>The engine between two steps.</summary>
public sealed record EngineStatus
{
    /// <summary>Requests that run.</summary>
    public required int Running { get; init; }

    /// <summary>Requests that wait: for pages, for a place, for their adapters' content.</summary>
    public required int Waiting { get; init; }

    /// <summary>Requests that have ended, for whatever reason, since the engine was built.</summary>
    public required long EndedRequests { get; init; }

    /// <summary>Adapters' contents that have pages now.</summary>
    public required int ResidentAdapters { get; init; }

    /// <summary>The page pool.</summary>
    public required PoolStatus Pool { get; init; }

    /// <summary>Steps since the engine was built.</summary>
    public required long Steps { get; init; }

    /// <summary>Tokens, of prompts and answers, whose keys and values have been computed.</summary>
    public required long ComputedTokens { get; init; }

    /// <summary>Rows whose logits have been computed.</summary>
    public required long SampledTokens { get; init; }

    /// <summary>The last step.</summary>
    public required StepStatus LastStep { get; init; }
}

/// <summary>Pages of the pool.</summary>
/// <param name="PageBytes">Bytes of a page.</param>
/// <param name="Total">All pages.</param>
/// <param name="Free">Pages that nobody owns.</param>
/// <param name="Reserved">Free pages that are promised to admitted requests.</param>
/// <param name="Adapters">Pages that hold adapter weights.</param>
public readonly record struct PoolStatus(long PageBytes, int Total, int Free, int Reserved, int Adapters)
{
    /// <summary>Pages that hold keys and values.</summary>
    public int Cache => Total - Free - Adapters;

    /// <summary>Pages of these that no running request uses: kept for requests that begin with the same tokens, until the pages are needed.</summary>
    public int IdlePrefixes { get; init; }
}

/// <summary>One step.</summary>
/// <param name="Number">Its number, from 1; 0 when there was none yet.</param>
/// <param name="Rows">Tokens computed.</param>
/// <param name="DecodeRows">Those that were the only token of their sequence in the step.</param>
/// <param name="Sequences">Sequences that took part.</param>
/// <param name="Adapters">Distinct adapter contents that took part.</param>
/// <param name="Duration">How long it took.</param>
public readonly record struct StepStatus(long Number, int Rows, int DecodeRows, int Sequences, int Adapters, TimeSpan Duration)
{
    /// <summary>Tokens of prompt chunks.</summary>
    public int PromptRows => Rows - DecodeRows;
}
