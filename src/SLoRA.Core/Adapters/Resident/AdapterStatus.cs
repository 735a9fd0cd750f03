using SLoRA.Adapters.Resident;

namespace SLoRA;

/// <summary>One registered adapter.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Coverage">What it covers.</param>
/// <param name="Generation">Hash of its content in hexadecimal digits; null until the content has been read.</param>
/// <param name="Pages">Pages that its weights take when they are in the pool.</param>
/// <param name="IsResident">Whether they are there now.</param>
/// <param name="Requests">Requests that hold it, waiting ones included.</param>
public sealed record AdapterStatus(string Name, AdapterCoverage Coverage, string? Generation, int Pages, bool IsResident, int Requests)
{
    /// <summary>The place nearest to the device where its content is.</summary>
    public AdapterTier Tier { get; init; }

    /// <summary>
    /// Whether the last look at where it comes from has found another adapter there: requests that need to read it fail with
    /// <see cref="AdapterChangedException"/> until it is refreshed or replaced. What changes while content is in memory is found at the
    /// next reading, or by <see cref="AdapterCollection.RefreshAsync"/>.
    /// </summary>
    public bool IsStale { get; init; }

    /// <summary>Whether content and pages are to stay.</summary>
    public bool IsPinned { get; init; }

    /// <summary>Bytes of main memory that its content takes beside the pool.</summary>
    public long HostBytes { get; init; }

    /// <summary>Requests so far.</summary>
    public long TotalRequests { get; init; }

    /// <summary>Tokens of its requests' sequences that have ended.</summary>
    public long GeneratedTokens { get; init; }

    /// <summary>How often its content was read.</summary>
    public long Loads { get; init; }

    /// <summary>How often its content was copied into the pool; names with equal content share it.</summary>
    public long PageIns { get; init; }

    /// <summary>How often its pages were given to others; names with equal content share it.</summary>
    public long Evictions { get; init; }

    /// <summary>How often an admitted request found it in the pool, or on its way into it; names with equal content share it.</summary>
    public long Hits { get; init; }

    /// <summary>When the last request for it arrived; null when none did.</summary>
    public DateTimeOffset? LastUsed { get; init; }

    internal static AdapterStatus Of(AdapterRegistration registration, TimeProvider clock)
    {
        Generation? generation = registration.Generation;
        return new AdapterStatus(
            registration.Name,
            registration.Headers!.Coverage,
            generation?.Id.ToString(),
            registration.PageCount,
            generation?.Resident is not null,
            registration.Leases)
        {
            Tier = generation?.Resident is not null ? AdapterTier.Device : generation?.Image is not null
                ? AdapterTier.Host
                : AdapterTier.Registered,
            IsStale = registration.IsStale,
            IsPinned = registration.IsPinned,
            HostBytes = generation?.Image?.Bytes ?? 0,
            TotalRequests = registration.Requests,
            GeneratedTokens = registration.GeneratedTokens,
            Loads = registration.Loads,
            PageIns = generation?.PageIns ?? 0,
            Evictions = generation?.Evictions ?? 0,
            Hits = generation?.Hits ?? 0,
            LastUsed = registration.LastUsed == 0 ? null : clock.GetUtcNow() - clock.GetElapsedTime(registration.LastUsed),
        };
    }
}
