using SLoRA.Adapters.Packing;

namespace SLoRA.Adapters.Resident;

/// <summary>
/// What a name stood for when it was registered: where the content comes from and what its headers say. The content itself is read at the
/// first use and becomes a <see cref="Resident.Generation"/>. Requests hold a <see cref="Lease"/> on the registration, so a name that is
/// replaced or removed meanwhile does not take it away from them. What can change belongs to the engine's thread, apart from
/// <see cref="Picture"/>.
/// </summary>
internal sealed class AdapterRegistration
{
    private volatile AdapterPicture _picture;

    /// <summary>Describes an adapter; a name gets it later.</summary>
    /// <param name="name">The name.</param>
    /// <param name="headers">What the headers say; null for a name that the adapter source has still to be asked for.</param>
    /// <param name="isFromSource">Whether the adapter source brings it.</param>
    /// <param name="lastUsed">Timestamp of the last request for what the name stood for before; 0 for never.</param>
    public AdapterRegistration(string name, AdapterHeaders? headers, bool isFromSource = false, long lastUsed = 0)
    {
        Name = name;
        IsFromSource = isFromSource;
        Headers = headers;
        _picture = new AdapterPicture
        {
            Headers = headers,
            PageCount = PageCount,
            Generation = null,
            Leases = 0,
            IsPinned = false,
            IsStale = false,
            Requests = 0,
            GeneratedTokens = 0,
            Loads = 0,
            LastUsed = lastUsed,
        };
    }

    /// <summary>The name it was registered under.</summary>
    public string Name { get; }

    /// <summary>Whether the adapter source brings it, every time that its content is needed.</summary>
    public bool IsFromSource { get; }

    /// <summary>What the outside sees of it. Any thread.</summary>
    public AdapterPicture Picture => _picture;

    /// <summary>What configuration and headers say; null until the source has answered.</summary>
    public AdapterHeaders? Headers { get; private set; }

    /// <summary>What the adapter source said last, while its content has still to be read; null otherwise.</summary>
    public AdapterHeaders? Answer { get; private set; }

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
    public Generation? Generation { get; private set; }

    /// <summary>The reading that is under way; null when there is none.</summary>
    public ContentLoad? Loading { get; set; }

    /// <summary>Why the last reading failed; null when it did not.</summary>
    public Exception? Failure { get; set; }

    /// <summary>Readings that failed, one after another.</summary>
    public int Failures { get; set; }

    /// <summary>Timestamp before which nobody tries to read again.</summary>
    public long RetryAt { get; set; }

    /// <summary>Whether the name still stands for it.</summary>
    public bool IsNamed { get; private set; }

    /// <summary>Whether content and pages are to stay.</summary>
    public bool IsPinned { get; private set; }

    /// <summary>Leases on it: of sequences that hold it, waiting ones included, and of preloads.</summary>
    public int Leases { get; private set; }

    /// <summary>Timestamp of the last request; 0 for never.</summary>
    public long LastUsed => _picture.LastUsed;

    /// <summary>Neither a name nor a request needs it.</summary>
    public bool IsAbandoned => !IsNamed && Leases == 0;

    /// <summary>A name stands for it from here on.</summary>
    public void TakeName()
    {
        Generation?.Count(this, -1);
        IsNamed = true;
        Generation?.Count(this, 1);
    }

    /// <summary>Its name stands for it no more, and with that nobody pins it.</summary>
    public void LoseName()
    {
        Unpin();
        Generation?.Count(this, -1);
        IsNamed = false;
        Generation?.Count(this, 1);
    }

    /// <summary>Content and pages are to stay.</summary>
    /// <returns>False when that was so before.</returns>
    public bool Pin() => !IsPinned && SetPinned(true);

    /// <summary>Content and pages may go again.</summary>
    /// <returns>False when it was not pinned.</returns>
    public bool Unpin() => IsPinned && SetPinned(false);

    /// <summary>Gives it its content, instead of what it had.</summary>
    /// <param name="generation">The content; null for none.</param>
    public void Attach(Generation? generation)
    {
        Generation?.Count(this, -1);
        Generation = generation;
        generation?.Count(this, 1);
        _picture = _picture with { Generation = generation };
    }

    /// <summary>The adapter source has said what it brings.</summary>
    /// <param name="answer">What it said, while the content has still to be read; null from then on.</param>
    public void NoteAnswer(AdapterHeaders? answer)
    {
        if (ReferenceEquals(answer, Answer))
        {
            return;
        }

        Answer = answer;
        Headers ??= answer;
        _picture = _picture with { Headers = Headers, PageCount = PageCount };
    }

    /// <summary>What configuration and headers say of the content that has been read; it is not stale.</summary>
    public void NoteHeaders(AdapterHeaders headers)
    {
        Generation?.Count(this, -1);
        Headers = headers;
        Generation?.Count(this, 1);
        _picture = _picture with { Headers = headers, PageCount = PageCount, IsStale = false };
    }

    /// <summary>Where it comes from, there is another adapter.</summary>
    public void NoteStale() => _picture = _picture with { IsStale = true };

    /// <summary>A request for it arrives.</summary>
    public void NoteRequest(long now) => _picture = _picture with { Requests = _picture.Requests + 1, LastUsed = now };

    /// <summary>A sequence that held it has ended after so many tokens.</summary>
    public void NoteTokens(int tokens) => _picture = _picture with { GeneratedTokens = _picture.GeneratedTokens + tokens };

    /// <summary>Its content has been read.</summary>
    public void NoteLoad() => _picture = _picture with { Loads = _picture.Loads + 1 };

    /// <summary>So many more leases are held on it. Called by <see cref="Lease"/>.</summary>
    internal void NoteLease(int leases)
    {
        Generation?.Count(this, -1);
        Leases += leases;
        Generation?.Count(this, 1);
        _picture = _picture with { Leases = Leases };
    }

    private bool SetPinned(bool isPinned)
    {
        Generation?.Count(this, -1);
        IsPinned = isPinned;
        Generation?.Count(this, 1);
        _picture = _picture with { IsPinned = isPinned };
        return true;
    }
}
