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
    /// <summary>The folder that it is read from; null where it is in one file, or was handed in as tensors.</summary>
    public string? Folder { get; init; }

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

    /// <summary>What a registration's picture shows; null while the adapter source has still to say what it is. Any thread.</summary>
    internal static AdapterStatus? Of(AdapterRegistration registration, TimeProvider clock)
    {
        AdapterPicture picture = registration.Picture;
        if (picture.Headers is not { } headers)
        {
            return null;
        }

        GenerationPicture? content = picture.Generation?.Picture;
        bool isResident = content is { IsResident: true };
        return new AdapterStatus(
            registration.Name, headers.Coverage, picture.Generation?.Id.ToString(), picture.PageCount, isResident, picture.Leases)
        {
            Folder = headers.Package.Folder,
            Tier = isResident ? AdapterTier.Device : content?.ImageBytes is not null ? AdapterTier.Host : AdapterTier.Registered,
            IsStale = picture.IsStale,
            IsPinned = picture.IsPinned,
            HostBytes = content?.ImageBytes ?? 0,
            TotalRequests = picture.Requests,
            GeneratedTokens = picture.GeneratedTokens,
            Loads = picture.Loads,
            PageIns = content?.PageIns ?? 0,
            Evictions = content?.Evictions ?? 0,
            Hits = content?.Hits ?? 0,
            LastUsed = picture.LastUsed == 0 ? null : clock.GetUtcNow() - clock.GetElapsedTime(picture.LastUsed),
        };
    }
}
