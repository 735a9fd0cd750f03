using System.Collections.Immutable;
using SLoRA.Adapters.Intake;
using SLoRA.Adapters.Packing;
using SLoRA.Backends;

namespace SLoRA.Adapters.Resident;

/// <summary>
/// The generations, by content: registrations with equal content share one. It holds their images in main memory up to a bound; what can be
/// read again goes, and what nobody waits for goes first. Content is read in the background and attached on the engine's thread, to which
/// everything else here belongs.
/// </summary>
/// <param name="cache">Generations that have pages.</param>
/// <param name="memory">The pages.</param>
/// <param name="slice">What may be copied in this step.</param>
/// <param name="options">The bounds.</param>
/// <param name="clock">The clock.</param>
internal sealed class HostStore(DeviceCache cache, IPageMemory memory, SliceBudget slice, AdapterCacheOptions options, TimeProvider clock)
{
    /// <summary>What waiting requests add to the worth: what they hold goes last.</summary>
    private const double WaitedFor = 1e18;

    private readonly Dictionary<GenerationId, Generation> _generations = [];
    private readonly List<Generation> _held = [];
    private long _ordinal;

    /// <summary>Told when a generation is gone for good.</summary>
    public Action<GenerationId>? Dropped { get; set; }

    /// <summary>What the request holds that is to be admitted next: its content stays, whatever the bound.</summary>
    public ImmutableArray<Lease> NextLeases { get; set; } = [];

    /// <summary>What the program waits for first: its content stays too.</summary>
    public AdapterRegistration? NextPreload { get; set; }

    /// <summary>Generations known, wherever their bytes are.</summary>
    public int Count => _generations.Count;

    /// <summary>Bytes of the images held.</summary>
    public long Bytes { get; private set; }

    /// <summary>
    /// Gives a registration its generation: the one with this content, if there is one, else a new one. Takes the image over.
    /// </summary>
    public void Attach(AdapterRegistration registration, PageImage image)
    {
        registration.Loads++;
        if (registration.IsAbandoned)
        {
            image.Dispose();
            return;
        }

        if (!_generations.TryGetValue(image.Id, out Generation? generation))
        {
            generation = new Generation(image.Id, image.Directory, ++_ordinal);
            _generations.Add(image.Id, generation);
        }

        if (generation.Image is null)
        {
            Keep(generation, image);
        }
        else
        {
            image.Dispose();
        }

        if (!ReferenceEquals(registration.Generation, generation))
        {
            Detach(registration);
            registration.Generation = generation;
            generation.Registrations++;
            generation.Leases += registration.Leases;
            generation.FixedRegistrations += registration.CanReadAgain ? 0 : 1;
            generation.NamelessRegistrations += registration.IsNamed ? 0 : 1;
            generation.Pins += registration.IsPinned ? 1 : 0;
        }

        registration.Headers!.Package.Release();
        Trim();
    }

    /// <summary>Whether an image has been taken over, and is still held.</summary>
    public bool Holds(PageImage image) =>
        _generations.TryGetValue(image.Id, out Generation? generation) && ReferenceEquals(generation.Image, image);

    /// <summary>
    /// Drops what a registration holds, if neither a name nor a request needs it any more; the last registration drops the generation.
    /// </summary>
    public void Collect(AdapterRegistration registration)
    {
        if (registration.Leases == 0)
        {
            registration.Loading?.GiveUp();

            // Whoever comes next asks the source again.
            registration.Answer = null;
            if (registration.Generation is { IsPagingIn: true, IsIdle: true, Leases: 0 } generation)
            {
                cache.Evict(generation);
            }
        }

        if (registration.IsAbandoned)
        {
            Detach(registration);
        }
    }

    /// <summary>Whether so many bytes could be added if everything that nobody holds, and that pages hold too, were dropped.</summary>
    public bool HasRoomFor(long bytes)
    {
        long held = Bytes;
        if (held + bytes > options.HostBytes)
        {
            foreach (Generation generation in _held)
            {
                held -= CanDrop(generation) && (generation.Resident is not null || generation.Leases == 0) ? generation.Image!.Bytes : 0;
            }
        }

        return held + bytes <= options.HostBytes;
    }

    /// <summary>
    /// A generation without an image loses its pages: reads the image back if it is needed next or could not be had again; if there is
    /// room, also when a request waits for it, or when reading back is cheap and the step has time for it. Called by the cache.
    /// </summary>
    /// <exception cref="OutOfMemoryException">There is no memory for what could not be had again.</exception>
    public void ReadBack(Generation generation)
    {
        long bytes = PageImage.BytesOf(generation.Directory, memory.PageBytes);
        if (generation.MustStay || IsNext(generation)
            || (HasRoomFor(bytes) && (generation.Leases > 0 || (memory.IsMainMemory && slice.TrySpend(bytes)))))
        {
            try
            {
                Keep(generation, PageImage.FromPages(generation.Id, generation.Resident!, memory));
            }
            catch (OutOfMemoryException) when (generation.FixedRegistrations == 0)
            {
                // It is read again instead, also for those who hold it: they wait for it.
            }
        }
    }

    /// <summary>Drops image and pages of an adapter, unless somebody uses them. What could not be had again stays in main memory.</summary>
    public EvictedAdapter Drop(AdapterRegistration registration)
    {
        if (registration.Leases > 0 || registration.Generation is { Leases: > 0 } or { IsIdle: false })
        {
            return default;
        }

        if (registration.Generation is not { } generation)
        {
            return new EvictedAdapter(true, 0, 0);
        }

        int pages = generation.Resident is null && !generation.IsPagingIn ? 0 : generation.Directory.PageCount;
        if (pages > 0)
        {
            cache.Evict(generation, keepsContent: generation.MustStay);
        }

        return new EvictedAdapter(true, pages, generation.MustStay ? 0 : DropImage(generation));
    }

    /// <summary>Frees all content. Nothing may run any more.</summary>
    public void Clear()
    {
        while (_held.Count > 0)
        {
            DropImage(_held[^1]);
        }

        _generations.Clear();
    }

    /// <summary>
    /// Drops images until the bound is kept, as far as nobody needs them: first those whose bytes are in pages that lie in main memory too.
    /// </summary>
    public void Trim()
    {
        while (Bytes > options.HostBytes)
        {
            Generation? least = null;
            double leastWorth = 0;
            foreach (Generation generation in _held)
            {
                if (CanDrop(generation))
                {
                    double worth = WorthOf(generation);
                    if (least is null || worth < leastWorth || (worth == leastWorth && generation.Use.Order < least.Use.Order))
                    {
                        (least, leastWorth) = (generation, worth);
                    }
                }
            }

            if (least is null)
            {
                return;
            }

            DropImage(least);
        }
    }

    private bool CanDrop(Generation generation) =>
        generation is { Image: not null, IsPagingIn: false }
            && (generation.Resident is not null || !(generation.MustStay || IsNext(generation)));

    /// <summary>
    /// Whether the request that is next to be admitted, or the preload, needs it: without it they would load for ever what the others push
    /// out.
    /// </summary>
    private bool IsNext(Generation generation)
    {
        foreach (Lease lease in NextLeases)
        {
            if (ReferenceEquals(lease.Generation, generation))
            {
                return true;
            }
        }

        return generation.Leases > 0 && ReferenceEquals(NextPreload?.Generation, generation);
    }

    private double WorthOf(Generation generation) => generation.Resident is not null && memory.IsMainMemory
        ? -1
        : generation.Use.Rate(clock.GetTimestamp(), clock) + (generation.Resident is null && generation.Leases > 0 ? WaitedFor : 0);

    private void Keep(Generation generation, PageImage image)
    {
        generation.Image = image;
        Bytes += image.Bytes;
        _held.Add(generation);
    }

    private long DropImage(Generation generation)
    {
        if (generation.Image is not { } image)
        {
            return 0;
        }

        long bytes = image.Bytes;
        generation.Image = null;
        Bytes -= bytes;
        _held.Remove(generation);
        image.Dispose();
        return bytes;
    }

    private void Detach(AdapterRegistration registration)
    {
        if (registration.Generation is not { } generation)
        {
            return;
        }

        registration.Generation = null;
        generation.Leases -= registration.Leases;
        generation.FixedRegistrations -= registration.CanReadAgain ? 0 : 1;
        generation.NamelessRegistrations -= registration.IsNamed ? 0 : 1;
        generation.Pins -= registration.IsPinned ? 1 : 0;
        if (--generation.Registrations > 0)
        {
            return;
        }

        if (generation.Resident is not null || generation.IsPagingIn)
        {
            cache.Evict(generation, keepsContent: false);
        }

        _generations.Remove(generation.Id);
        Dropped?.Invoke(generation.Id);
        DropImage(generation);
    }
}
