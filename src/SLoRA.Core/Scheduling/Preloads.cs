using SLoRA.Adapters.Resident;
using SLoRA.Pool;
using SLoRA.Sequences;

namespace SLoRA.Scheduling;

/// <summary>
/// Adapters that the program wants in pages without a request: each is read, gets pages as soon as there are some to have, and is reported
/// when it is resident. Pinned ones keep them. They are served in the order of the calls, a window of them at a time, so that a step costs
/// the same however many there are; the first that waits for pages has its turn among the requests. Belongs to the engine's thread.
/// </summary>
/// <param name="open">Those that have not ended.</param>
/// <param name="loads">Reads content.</param>
/// <param name="cache">Generations that have pages.</param>
/// <param name="generations">The contents that adapters have.</param>
/// <param name="reclaim">Takes back idle pages.</param>
/// <param name="pool">The pages.</param>
/// <param name="queue">Requests that wait.</param>
/// <param name="needs">What waiting requests need, which pinning must leave.</param>
internal sealed class Preloads(
    PreloadLine open, ContentLoads loads, DeviceCache cache, Generations generations, Reclaim reclaim, PagePool pool, WaitingQueue queue,
    WaitingNeeds needs)
{
    /// <summary>How many are looked at in a step.</summary>
    public const int Window = 32;

    private readonly LeaseCount _leases = new();

    /// <summary>The first that has its content and waits for pages.</summary>
    private Preload? _first;

    /// <summary>Adapters that somebody waits for.</summary>
    public int Count => open.Count;

    /// <summary>Leases that they hold.</summary>
    public int Leases => _leases.Held;

    /// <summary>Those that have not ended, in the order of the calls. For what happens seldom.</summary>
    public IEnumerable<Preload> InOrder()
    {
        for (LinkedListNode<Preload>? node = open.First?.Place; node is not null; node = node.Next)
        {
            yield return node.Value;
        }
    }

    /// <summary>Begins to bring an adapter.</summary>
    public Preload Add(AdapterRegistration registration, bool pins, CancellationToken cancellation)
    {
        var preload = new Preload(new Lease(registration, 1, _leases), pins, queue.NextArrival(), cancellation);
        open.Add(preload);

        // What is resident has nothing to wait for, however many do. Pages are given after admission.
        Look(preload, isFirst: open.Count == 1, hasPages: false);
        return preload;
    }

    /// <summary>Does what can be done now, in the order of the calls.</summary>
    public void Advance()
    {
        _first = null;
        LinkedListNode<Preload>? node = open.First?.Place;
        for (int left = Window; left > 0 && node is not null;)
        {
            LinkedListNode<Preload>? next = node.Next;
            left -= Look(node.Value, isFirst: node.Previous is null, hasPages: _first is null) ? 0 : 1;
            node = next;
        }
    }

    /// <summary>Pages that a sequence must leave to a preload that goes before it.</summary>
    public int ClaimBefore(Sequence sequence)
    {
        if (_first is not { Registration.Generation: { Resident: null, IsPagingIn: false } generation }
            || !queue.GoesBefore(_first, sequence))
        {
            return 0;
        }

        foreach (Lease lease in sequence.Leases)
        {
            if (ReferenceEquals(lease.Generation, generation))
            {
                return 0;
            }
        }

        return generation.Directory.PageCount;
    }

    /// <summary>The caller waits no more.</summary>
    public void Cancel(Preload preload)
    {
        if (preload.Place is not null)
        {
            End(preload, new OperationCanceledException());
        }
    }

    /// <summary>The content of an adapter cannot be had. Those who are not looked at yet find out when it is their turn.</summary>
    public void Fail(AdapterRegistration registration, Exception error)
    {
        LinkedListNode<Preload>? node = open.First?.Place;
        for (int left = Window; left > 0 && node is not null; left--)
        {
            LinkedListNode<Preload>? next = node.Next;
            if (ReferenceEquals(node.Value.Registration, registration))
            {
                End(node.Value, SLoraException.Repeat(error));
            }

            node = next;
        }
    }

    /// <summary>The engine ends.</summary>
    public void EndAll(Exception error)
    {
        while (open.First is { } preload)
        {
            End(preload, SLoraException.Repeat(error));
        }
    }

    /// <summary>Does for one what can be done now.</summary>
    /// <returns>Whether it has ended.</returns>
    private bool Look(Preload preload, bool isFirst, bool hasPages)
    {
        try
        {
            if (!Advance(preload, isFirst, hasPages))
            {
                return false;
            }

            End(preload, null);
        }
        catch (SLoraException error)
        {
            End(preload, error);
        }

        return true;
    }

    private bool Advance(Preload preload, bool isFirst, bool hasPages)
    {
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

        if (generation is { Resident: null, IsPagingIn: false })
        {
            // The first that waits for pages holds back those behind it, as in admission.
            if (!hasPages)
            {
                return false;
            }

            CheckRoom(preload, generation);
            if (!reclaim.TryMakeRoom(generation.Directory.PageCount))
            {
                _first ??= preload;
                return false;
            }

            cache.BeginCopy(generation);
        }

        if (preload.Pins && !registration.IsPinned)
        {
            CheckRoom(preload, generation);
            preload.HasPinned = registration.Pin();
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
        int left = pool.Total - pages - pinned;
        int needed = preload.Pins ? Math.Max(1, needs.Beside(generation, left)) : 0;
        if (needed > left)
        {
            throw new AdapterTooLargeException(preload.Registration.Name, pages, pinned, needed, pool.Total);
        }
    }

    private void End(Preload preload, Exception? error)
    {
        open.Remove(preload);
        _first = ReferenceEquals(_first, preload) ? null : _first;
        if (error is not null && preload.HasPinned)
        {
            // A pin that was there before, or that another call has asked for too, is theirs; who waits for it sets it again.
            preload.Registration.Unpin();
        }

        try
        {
            generations.Return(preload.Lease);
        }
        finally
        {
            // Whoever waits is told, whatever becomes of the books.
            preload.End(error);
        }
    }
}
