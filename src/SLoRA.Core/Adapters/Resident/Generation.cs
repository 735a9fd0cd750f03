using SLoRA.Adapters.Intake;
using SLoRA.Adapters.Packing;
using SLoRA.Step;

namespace SLoRA.Adapters.Resident;

/// <summary>
/// One immutable content of an adapter. Registrations with the same content share it, and with it its pages. Its bytes are in the host
/// store, in pages, in both, or, as long as nobody holds a lease and they can be read again, in neither. Belongs to the engine's thread,
/// apart from <see cref="Picture"/>.
/// </summary>
internal sealed class Generation(GenerationId id, TileDirectory directory, long ordinal)
{
    private volatile GenerationPicture _picture = new(false, null, 0, 0, 0);

    /// <summary>Hash of ranks, scales and tensors.</summary>
    public GenerationId Id { get; } = id;

    /// <summary>A number that no other generation of the engine has: orders the work list.</summary>
    public long Ordinal { get; } = ordinal;

    /// <summary>Where the tiles lie in its pages.</summary>
    public TileDirectory Directory { get; } = directory;

    /// <summary>What the outside sees of it. Any thread.</summary>
    public GenerationPicture Picture => _picture;

    /// <summary>The content in the host store; null when it is not there.</summary>
    public PageImage? Image
    {
        get;
        set
        {
            field = value;
            _picture = _picture with { ImageBytes = value?.Bytes };
        }
    }

    /// <summary>Registrations that share it.</summary>
    public int Registrations { get; private set; }

    /// <summary>Those of them that could not be read again.</summary>
    public int FixedRegistrations { get; private set; }

    /// <summary>
    /// Those of them that have lost their name and that requests hold: nobody vouches any more that they could be read again.
    /// </summary>
    public int NamelessRegistrations { get; private set; }

    /// <summary>Those of them that are pinned.</summary>
    public int Pins { get; private set; }

    /// <summary>Leases on all of them.</summary>
    public int Leases { get; private set; }

    /// <summary>Those of the leases whose sequences run: they need its pages, so it cannot be evicted.</summary>
    public int Users { get; private set; }

    /// <summary>The copying of its image into its pages; null when none is under way.</summary>
    public PageCopy? Copy { get; set; }

    /// <summary>Whether it has pages that its image is still being copied into.</summary>
    public bool IsPagingIn => Copy is not null;

    /// <summary>Its pages; null when it has none.</summary>
    public ResidentAdapter? Resident { get; private set; }

    /// <summary>Whether its bytes are somewhere.</summary>
    public bool IsAvailable => Image is not null || Resident is not null;

    /// <summary>Whether its pages may be taken away.</summary>
    public bool IsIdle => Users == 0 && Pins == 0;

    /// <summary>Whether its bytes must stay somewhere: they are to, or they could not be had again.</summary>
    public bool MustStay => Pins > 0 || FixedRegistrations > 0 || NamelessRegistrations > 0;

    /// <summary>How often and when it was used.</summary>
    public UseRecord Use { get; private set; }

    /// <summary>Its copy is complete: it has pages that can be computed with.</summary>
    public void PagedIn(int[] pages)
    {
        Copy = null;
        Resident = new ResidentAdapter(Directory, pages);
        _picture = _picture with { IsResident = true, PageIns = _picture.PageIns + 1 };
    }

    /// <summary>Its pages are complete no more: they have been taken away.</summary>
    public void Evicted()
    {
        Resident = null;
        _picture = _picture with { IsResident = false, Evictions = _picture.Evictions + 1 };
    }

    /// <summary>An admitted request has found it in pages, or on its way there.</summary>
    public void NoteHit() => _picture = _picture with { Hits = _picture.Hits + 1 };

    /// <summary>Notes a use.</summary>
    public void NoteUse(long now, long order, TimeProvider clock)
    {
        UseRecord use = Use;
        use.Add(now, order, clock);
        Use = use;
    }

    /// <summary>
    /// Counts a registration with what it says of itself, or no more. Called by <see cref="AdapterRegistration"/>, around every change of
    /// it.
    /// </summary>
    /// <param name="registration">The registration.</param>
    /// <param name="sign">1 to count it, −1 to take back what was counted.</param>
    internal void Count(AdapterRegistration registration, int sign)
    {
        Registrations += sign;
        Leases += sign * registration.Leases;
        FixedRegistrations += registration.CanReadAgain ? 0 : sign;
        NamelessRegistrations += registration.IsNamed ? 0 : sign;
        Pins += registration.IsPinned ? sign : 0;
    }

    /// <summary>So many more leases are used. Called by <see cref="Lease"/>.</summary>
    internal void NoteUser(int users) => Users += users;
}
