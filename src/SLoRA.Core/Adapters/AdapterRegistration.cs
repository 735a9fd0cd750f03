namespace SLoRA.Adapters;

/// <summary>
/// What a name stood for when it was registered: where the content comes from and what its headers say. The content itself is read at the first
/// use and becomes a <see cref="Adapters.Generation"/>. Requests hold a <see cref="Lease"/> on the registration, so a name that is replaced or
/// removed meanwhile does not take it away from them. Mutable members belong to the engine's thread.
/// </summary>
internal sealed class AdapterRegistration(AdapterDescription description, TileDirectory directory)
{
    /// <summary>The name it was registered under.</summary>
    public string Name => Description.Package.Name;

    /// <summary>What configuration and headers say.</summary>
    public AdapterDescription Description { get; } = description;

    /// <summary>Where its tiles will lie: known from ranks and shapes alone.</summary>
    public TileDirectory Directory { get; } = directory;

    /// <summary>The content; null until it has been read and checked.</summary>
    public Generation? Generation { get; set; }

    /// <summary>Whether the content is being read.</summary>
    public bool IsLoading { get; set; }

    /// <summary>Whether the name still stands for it.</summary>
    public bool IsNamed { get; set; }

    /// <summary>What the name has served.</summary>
    public AdapterCounters Counters { get; set; } = new();

    /// <summary>Requests that hold it, waiting ones included.</summary>
    public int Leases { get; set; }

    /// <summary>Neither a name nor a request needs it.</summary>
    public bool IsAbandoned => !IsNamed && Leases == 0;
}
