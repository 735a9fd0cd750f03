using SLoRA.Adapters.Intake;
using SLoRA.Adapters.Packing;
using SLoRA.Pool;

namespace SLoRA.Adapters.Resident;

/// <summary>
/// The generations, by content: registrations with equal content share one. It decides when one comes and when it is gone for good, and
/// tells those who keep something of it: main memory, the pages, the cache of prefixes. Content is read in the background and attached on
/// the engine's thread, to which everything here belongs.
/// </summary>
/// <param name="store">Content in main memory.</param>
/// <param name="cache">Generations that have pages.</param>
/// <param name="prefixes">Keys and values that were computed with them; null when none are kept.</param>
internal sealed class Generations(HostStore store, DeviceCache cache, PrefixCache? prefixes)
{
    private readonly Dictionary<GenerationId, Generation> _generations = [];
    private long _ordinal;

    /// <summary>Generations known, wherever their bytes are.</summary>
    public int Count => _generations.Count;

    /// <summary>
    /// Gives a registration its generation: the one with this content, if there is one, else a new one. Takes the image over.
    /// </summary>
    public void Attach(AdapterRegistration registration, PageImage image)
    {
        registration.NoteLoad();
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
            store.Keep(generation, image);
        }
        else
        {
            image.Dispose();
        }

        if (!ReferenceEquals(registration.Generation, generation))
        {
            Detach(registration);
            registration.Attach(generation);
        }

        registration.Headers!.Package.Release();
        store.Trim();
    }

    /// <summary>Whether an image has been taken over, and is still held.</summary>
    public bool Holds(PageImage image) =>
        _generations.TryGetValue(image.Id, out Generation? generation) && ReferenceEquals(generation.Image, image);

    /// <summary>Gives a lease back, and drops what nobody needs without it.</summary>
    public void Return(Lease lease)
    {
        lease.Return();
        Collect(lease.Registration);
    }

    /// <summary>
    /// Drops what a registration holds, if neither a name nor a request needs it any more; the last registration drops the generation.
    /// </summary>
    public void Collect(AdapterRegistration registration)
    {
        if (registration.Leases == 0)
        {
            registration.Loading?.GiveUp();

            // Whoever comes next asks the source again.
            registration.NoteAnswer(null);
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

    /// <summary>Drops image and pages of an adapter, unless somebody uses them. What could not be had again stays in main memory.</summary>
    public EvictedAdapter Evict(AdapterRegistration registration)
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

        return new EvictedAdapter(true, pages, generation.MustStay ? 0 : store.Drop(generation));
    }

    /// <summary>Frees all content. Nothing may run any more.</summary>
    public void Clear()
    {
        store.Clear();
        _generations.Clear();
    }

    private void Detach(AdapterRegistration registration)
    {
        if (registration.Generation is not { } generation)
        {
            return;
        }

        registration.Attach(null);
        if (generation.Registrations > 0)
        {
            return;
        }

        if (generation.Resident is not null || generation.IsPagingIn)
        {
            cache.Evict(generation, keepsContent: false);
        }

        _generations.Remove(generation.Id);
        prefixes?.Drop(generation.Id.High, generation.Id.Low);
        store.Drop(generation);
    }
}
