using SLoRA.Adapters.Packing;

namespace SLoRA.Adapters.Resident;

/// <summary>
/// What a name stood for when it was registered: where the content comes from and what its headers say. The content itself is read at the
/// first use and becomes a <see cref="Resident.Generation"/>. Requests hold a <see cref="Lease"/> on the registration, so a name that is
/// replaced or removed meanwhile does not take it away from them. Mutable members belong to the engine's thread.
/// </summary>
/// <param name="name">The name.</param>
/// <param name="headers">What the headers say; null for a name that the adapter source has still to be asked for.</param>
/// <param name="isFromSource">Whether the adapter source brings it.</param>
internal sealed class AdapterRegistration(string name, AdapterHeaders? headers, bool isFromSource = false)
{
    private int _leases;

    /// <summary>The name it was registered under.</summary>
    public string Name { get; } = name;

    /// <summary>Whether the adapter source brings it, every time that its content is needed.</summary>
    public bool IsFromSource { get; } = isFromSource;

    /// <summary>What configuration and headers say; null until the source has answered.</summary>
    public AdapterHeaders? Headers { get; set; } = headers;

    /// <summary>What the adapter source said last, while its content has still to be read; null otherwise.</summary>
    public AdapterHeaders? Answer { get; set; }

    /// <summary>What the next content will have, as far as is known.</summary>
    public AdapterHeaders? LatestHeaders => Answer ?? Headers;

    /// <summary>Pages that it needs; 0 until that is known.</summary>
    public int PageCount => LatestHeaders?.Shape.PageCount ?? 0;

    /// <summary>Whether content that has been dropped can be had again.</summary>
    public bool CanReadAgain => IsFromSource || Headers!.Package.CanReadAgain;

    /// <summary>
    /// The content; null until it has been read and checked. It may have neither pages nor an image: then it is read again when it is
    /// needed.
    /// </summary>
    public Generation? Generation { get; set; }

    /// <summary>The reading that is under way; null when there is none.</summary>
    public ContentLoad? Loading { get; set; }

    /// <summary>Whether the last look at where it comes from has found another adapter.</summary>
    public bool IsStale { get; set; }

    /// <summary>Why the last reading failed; null when it did not.</summary>
    public Exception? Failure { get; set; }

    /// <summary>Readings that failed, one after another.</summary>
    public int Failures { get; set; }

    /// <summary>Timestamp before which nobody tries to read again.</summary>
    public long RetryAt { get; set; }

    /// <summary>Whether the name still stands for it.</summary>
    public bool IsNamed { get; set; }

    /// <summary>Whether content and pages are to stay.</summary>
    public bool IsPinned { get; set; }

    /// <summary>Requests that hold it, waiting ones included.</summary>
    public int Leases
    {
        get => _leases;
        set
        {
            if (Generation is { } generation)
            {
                generation.Leases += value - _leases;
            }

            _leases = value;
        }
    }

    /// <summary>Requests so far.</summary>
    public long Requests { get; set; }

    /// <summary>Tokens of its requests' sequences that have ended.</summary>
    public long GeneratedTokens { get; set; }

    /// <summary>Readings of the content that succeeded.</summary>
    public long Loads { get; set; }

    /// <summary>Timestamp of the last request; 0 for never.</summary>
    public long LastUsed { get; set; }

    /// <summary>Neither a name nor a request needs it.</summary>
    public bool IsAbandoned => !IsNamed && Leases == 0;
}
