using SLoRA.Adapters;
using SLoRA.Pool;

namespace SLoRA.Scheduling;

/// <summary>
/// Adapters that the program wants in pages without a request: each is read, gets pages as soon as there are some to have, and is reported when it is resident.
/// Pinned ones keep them. Belongs to the engine's thread.
/// </summary>
/// <param name="loads">Reads content.</param>
/// <param name="cache">Generations that have pages.</param>
/// <param name="store">Generations in main memory.</param>
/// <param name="reclaim">Takes back idle pages.</param>
/// <param name="pool">The pages.</param>
/// <param name="neededBeside">Pages, this generation's own not counted, that the largest waiting request needs.</param>
internal sealed class Preloads(ContentLoads loads, DeviceCache cache, HostStore store, Reclaim reclaim, PagePool pool, Func<Generation, int> neededBeside)
{
    private readonly List<Preload> _open = [];

    /// <summary>Adapters that somebody waits for.</summary>
    public int Count => _open.Count;

    /// <summary>What somebody has waited for longest; null when nobody waits.</summary>
    public AdapterRegistration? First => _open.Count > 0 ? _open[0].Registration : null;

    /// <summary>Begins to bring an adapter.</summary>
    /// <returns>Ends when it is resident.</returns>
    public Task Add(AdapterRegistration registration, bool pins, CancellationToken cancellation)
    {
        var preload = new Preload(registration, pins, cancellation);
        registration.Leases++;
        _open.Add(preload);
        return preload.Resident.Task;
    }

    /// <summary>Does what can be done now, in the order of the calls.</summary>
    public void Advance()
    {
        int i = 0;
        while (i < _open.Count)
        {
            Preload preload = _open[i];
            try
            {
                if (!Advance(preload, isFirst: i == 0))
                {
                    i++;
                    continue;
                }

                End(preload, null);
            }
            catch (Exception error) when (error is SLoraException or OperationCanceledException)
            {
                End(preload, error);
            }
        }
    }

    /// <summary>The content of an adapter cannot be had.</summary>
    public void Fail(AdapterRegistration registration, Exception error)
    {
        for (int i = _open.Count - 1; i >= 0; i--)
        {
            if (ReferenceEquals(_open[i].Registration, registration))
            {
                End(_open[i], error);
            }
        }
    }

    /// <summary>The engine ends.</summary>
    public void EndAll(Exception error)
    {
        while (_open.Count > 0)
        {
            End(_open[^1], error);
        }
    }

    private bool Advance(Preload preload, bool isFirst)
    {
        preload.Cancellation.ThrowIfCancellationRequested();
        AdapterRegistration registration = preload.Registration;
        if (!registration.IsNamed)
        {
            throw new AdapterNotFoundException(registration.Name);
        }

        if (registration.Generation is not { IsAvailable: true } generation)
        {
            if (loads.RefusalOf(registration) is { } refusal)
            {
                throw refusal;
            }

            loads.TryBegin(registration, isFirst);
            return false;
        }

        CheckRoom(preload, generation);
        if (generation is { Resident: null, IsPagingIn: false })
        {
            if (!reclaim.TryMakeRoom(generation.Directory.PageCount))
            {
                return false;
            }

            cache.BeginCopy(generation);
        }

        if (preload.Pins && !registration.IsPinned)
        {
            registration.IsPinned = true;
            generation.Pins++;
        }

        if (generation.Resident is null)
        {
            return false;
        }

        // Asking for it counts as a use: nobody preloads what is to leave first.
        cache.NoteUse(generation);
        return true;
    }

    private void CheckRoom(Preload preload, Generation generation)
    {
        if (preload.Registration.IsPinned)
        {
            return;
        }

        int pages = generation.Directory.PageCount;
        int pinned = cache.PinnedPages - (generation.Pins > 0 ? pages : 0);
        int needed = preload.Pins ? Math.Max(1, neededBeside(generation)) : 0;
        if (pages + pinned + needed > pool.Total)
        {
            throw new AdapterTooLargeException(preload.Registration.Name, pages, pinned, needed, pool.Total);
        }
    }

    private void End(Preload preload, Exception? error)
    {
        _open.Remove(preload);
        if (error is not null && preload.Pins)
        {
            AdapterNames.Unpin(preload.Registration);
        }

        preload.Registration.Leases--;
        store.Collect(preload.Registration);
        switch (error)
        {
            case null:
                preload.Resident.SetResult();
                break;
            case OperationCanceledException:
                preload.Resident.SetCanceled(preload.Cancellation);
                break;
            default:
                preload.Resident.SetException(error);
                break;
        }
    }

    private sealed record Preload(AdapterRegistration Registration, bool Pins, CancellationToken Cancellation)
    {
        public TaskCompletionSource Resident { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
