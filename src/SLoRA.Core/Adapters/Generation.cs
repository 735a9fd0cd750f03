namespace SLoRA.Adapters;

/// <summary>
/// One immutable content of an adapter in the host store. Registrations with the same content share it, and with it its pages. Mutable members
/// belong to the engine's thread.
/// </summary>
internal sealed class Generation(AdapterContent content, TileDirectory directory, long ordinal)
{
    /// <summary>Hash of ranks, scales and tensors.</summary>
    public GenerationId Id => Content.Id;

    /// <summary>A number that no other generation of the engine has: orders the work list.</summary>
    public long Ordinal { get; } = ordinal;

    /// <summary>The weights in main memory.</summary>
    public AdapterContent Content { get; } = content;

    /// <summary>Where the tiles lie in its pages.</summary>
    public TileDirectory Directory { get; } = directory;

    /// <summary>Registrations that share it.</summary>
    public int Registrations { get; set; }

    /// <summary>Running sequences that need its pages: it cannot be evicted.</summary>
    public int Users { get; set; }

    /// <summary>Whether pages are promised to it and its tiles are still to be copied.</summary>
    public bool IsPagingIn { get; set; }

    /// <summary>Its pages; null when it has none.</summary>
    public ResidentAdapter? Resident { get; set; }

    /// <summary>When it was last admitted: orders eviction.</summary>
    public long LastUsed { get; set; }
}
