using SLoRA.Adapters.Intake;
using SLoRA.Adapters.Packing;
using SLoRA.Step;

namespace SLoRA.Adapters.Resident;

/// <summary>
/// One immutable content of an adapter. Registrations with the same content share it, and with it its pages. Its bytes are in the host
/// store, in pages, in both, or, as long as nobody holds a lease and they can be read again, in neither. Mutable members belong to the
/// engine's thread.
/// </summary>
internal sealed class Generation(GenerationId id, TileDirectory directory, long ordinal)
{
    /// <summary>Hash of ranks, scales and tensors.</summary>
    public GenerationId Id { get; } = id;

    /// <summary>A number that no other generation of the engine has: orders the work list.</summary>
    public long Ordinal { get; } = ordinal;

    /// <summary>Where the tiles lie in its pages.</summary>
    public TileDirectory Directory { get; } = directory;

    /// <summary>The content in the host store; null when it is not there.</summary>
    public PageImage? Image { get; set; }

    /// <summary>Registrations that share it.</summary>
    public int Registrations { get; set; }

    /// <summary>Those of them that could not be read again.</summary>
    public int FixedRegistrations { get; set; }

    /// <summary>Those of them that are pinned.</summary>
    public int Pins { get; set; }

    /// <summary>Requests that hold it, waiting ones included.</summary>
    public int Leases { get; set; }

    /// <summary>Running sequences that need its pages: it cannot be evicted.</summary>
    public int Users { get; set; }

    /// <summary>The copying of its image into its pages; null when none is under way.</summary>
    public PageCopy? Copy { get; set; }

    /// <summary>Whether it has pages that its image is still being copied into.</summary>
    public bool IsPagingIn => Copy is not null;

    /// <summary>Its pages; null when it has none.</summary>
    public ResidentAdapter? Resident { get; set; }

    /// <summary>Whether its bytes are somewhere.</summary>
    public bool IsAvailable => Image is not null || Resident is not null;

    /// <summary>Whether its pages may be taken away.</summary>
    public bool IsIdle => Users == 0 && Pins == 0;

    /// <summary>
    /// Those of them that have lost their name and that requests hold: nobody vouches any more that they could be read again.
    /// </summary>
    public int NamelessRegistrations { get; set; }

    /// <summary>Whether its bytes must stay somewhere: they are to, or they could not be had again.</summary>
    public bool MustStay => Pins > 0 || FixedRegistrations > 0 || NamelessRegistrations > 0;

    /// <summary>How often and when it was used.</summary>
    public UseRecord Use { get; private set; }

    /// <summary>How often it was copied into pages.</summary>
    public long PageIns { get; set; }

    /// <summary>How often its pages were taken away.</summary>
    public long Evictions { get; set; }

    /// <summary>How often an admitted request found it resident.</summary>
    public long Hits { get; set; }

    /// <summary>Notes a use.</summary>
    public void NoteUse(long now, long order, TimeProvider clock)
    {
        UseRecord use = Use;
        use.Add(now, order, clock);
        Use = use;
    }
}
