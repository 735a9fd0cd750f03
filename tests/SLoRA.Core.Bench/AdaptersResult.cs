using System.Text.Json;
using System.Text.Json.Serialization;

namespace SLoRA.Core.Bench;

/// <summary>One point of the adapters benchmark. The names of the line of JSON are part of it.</summary>
internal sealed record AdaptersResult
{
    /// <summary>Adapters.</summary>
    [JsonPropertyName("registered")]
    public required int Registered { get; init; }

    /// <summary>Adapters of mean size that fit into the pool: a number, or all.</summary>
    [JsonPropertyName("resident")]
    public required string Resident { get; init; }

    /// <summary>Requests that ended while it was measured.</summary>
    [JsonPropertyName("requests")]
    public required int Requests { get; init; }

    /// <summary>Tokens of answers a second.</summary>
    [JsonPropertyName("output_tok_s")]
    public required double OutputTokensPerSecond { get; init; }

    /// <summary>From handing a request in to its first token.</summary>
    [JsonPropertyName("ttft_ms_p50")]
    public required double FirstTokenMedian { get; init; }

    /// <inheritdoc cref="FirstTokenMedian"/>
    [JsonPropertyName("ttft_ms_p99")]
    public required double FirstTokenP99 { get; init; }

    /// <summary>Between two tokens of an answer.</summary>
    [JsonPropertyName("itl_ms_p50")]
    public required double InterTokenMedian { get; init; }

    /// <inheritdoc cref="InterTokenMedian"/>
    [JsonPropertyName("itl_ms_p99")]
    public required double InterTokenP99 { get; init; }

    /// <summary>Mean over the steps.</summary>
    [JsonPropertyName("distinct_adapters_per_step")]
    public required double DistinctAdaptersPerStep { get; init; }

    /// <summary>Adapters copied into the pool.</summary>
    [JsonPropertyName("page_ins")]
    public required long PageIns { get; init; }

    /// <summary>Megabytes of their pages a second.</summary>
    [JsonPropertyName("page_in_mb_s")]
    public required double PageInMegabytesPerSecond { get; init; }

    /// <summary>Adapters that lost their pages.</summary>
    [JsonPropertyName("evictions")]
    public required long Evictions { get; init; }

    /// <summary>The share of admitted requests that found their adapter in the pool.</summary>
    [JsonPropertyName("hit_rate")]
    public required double HitRate { get; init; }

    /// <summary>When all requests have ended and the caches have been dropped: all of them, or pages have been lost.</summary>
    [JsonPropertyName("free_pages_at_end")]
    public required int FreePagesAtEnd { get; init; }

    /// <summary>Pages of the pool.</summary>
    [JsonPropertyName("total_pages")]
    public required int TotalPages { get; init; }

    /// <summary>From one step to the next, on average.</summary>
    [JsonIgnore]
    public double StepSeconds { get; init; }

    /// <summary>One line of JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this with
    {
        OutputTokensPerSecond = Round(OutputTokensPerSecond),
        FirstTokenMedian = Round(FirstTokenMedian),
        FirstTokenP99 = Round(FirstTokenP99),
        InterTokenMedian = Round(InterTokenMedian),
        InterTokenP99 = Round(InterTokenP99),
        DistinctAdaptersPerStep = Round(DistinctAdaptersPerStep),
        PageInMegabytesPerSecond = Round(PageInMegabytesPerSecond),
        HitRate = Math.Round(HitRate, 4),
    });

    private static double Round(double value) => double.IsFinite(value) ? Math.Round(value, 2) : -1;
}
