using SLoRA.Adapters.Resident;
using SLoRA.Pool;
using SLoRA.Sequences;

namespace SLoRA.Scheduling;

/// <summary>
/// Adapters that the program wants in pages without a request: each is read, gets pages as soon as there are some to have, and is reported
/// when it is resident. Pinned ones keep them. They are served in the order of the calls, a window of them at a time, so that a step costs
/// the same however many there are; the first that waits for pages has its turn among the requests. Belongs to the engine's thread.
/// </summary>
/// <param name="loads">Reads content.</param>
/// <param name="cache">Generations that have pages.</param>
/// <param name="store">Generations in main memory.</param>
/// <param name="reclaim">Takes back idle pages.</param>
/// <param name="pool">The pages.</param>
/// <param name="queue">Requests that wait.</param>
/// <param name="neededBeside">
/// Pages, this generation's own not counted, that the largest waiting request needs; exact if it is more than the pages given, which are
/// what would be left.
/// </param>
internal sealed class Preloads(
    ContentLoads loads, DeviceCache cache, HostStore store, Reclaim reclaim, PagePool pool, WaitingQueue queue,
    Func<Generation, int, int> neededBeside)
{
    /// <summary>How many are looked at in a step.</summary>
    public const int Window = 32;

    private readonly LinkedList<Preload> _open = [];

    /// <summary>The first that has its content and waits for pages.</summary>
    private Preload? _first;

    /// <summary>Adapters that somebody waits for.</summary>
    public int Count => _open.Count;

    /// <summary>What somebody has waited for longest; null when nobody waits.</summary>
    public AdapterRegistration? First => _open.First?.Value.Registration;

    /// <summary>Begins to bring an adapter.</summary>
    public Preload Add(AdapterRegistration registration, bool pins, CancellationToken cancellation)
    {
        var preload = new Preload(registration, pins, queue.TakeNumber(), cancellation);
        registration.Leases++;
        preload.Place = _open.AddLast(preload);

        // What is resident has nothing to wait for, however many do. Pages are given after admission.
        Look(preload, isFirst: _open.Count == 1, hasPages: false);
        return preload;
    }

    /// <summary>Does what can be done now, in the order of the calls.</summary>
    public void Advance()
    {
        _first = null;
        LinkedListNode<Preload>? node = _open.First;
        for (int left = Window; left > 0 && node is not null;)
        {
            LinkedListNode<Preload>? next = node.Next;
            left -= Look(node.Value, isFirst: node.Previous is null, hasPages: _first is null) ? 0 : 1;
            node = next;
        }
    }

    /// <summary>Pages that a sequence must leave to a preload that came before it.</summary>
    public int ClaimBefore(Sequence sequence)
    {
        if (_first is not { Registration.Generation: { Resident: null, IsPagingIn: false } generation }
            || _first.Number > sequence.Request.Number)
        {
            return 0;
        }

        foreach (Lease lease in sequence.Request.Leases)
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
        LinkedListNode<Preload>? node = _open.First;
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
        while (_open.First is { } node)
        {
            End(node.Value, SLoraException.Repeat(error));
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
            registration.IsPinned = preload.HasPinned = true;
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
        int left = pool.Total - pages - pinned;
        int needed = preload.Pins ? Math.Max(1, neededBeside(generation, left)) : 0;
        if (needed > left)
        {
            throw new AdapterTooLargeException(preload.Registration.Name, pages, pinned, needed, pool.Total);
        }
    }

    private void End(Preload preload, Exception? error)
    {
        _open.Remove(preload.Place!);
        preload.Place = null;
        _first = ReferenceEquals(_first, preload) ? null : _first;
        if (error is not null && preload.HasPinned)
        {
            // A pin that was there before, or that another call has asked for too, is theirs; who waits for it sets it again.
            AdapterNames.Unpin(preload.Registration);
        }

        preload.Registration.Leases--;
        try
        {
            store.Collect(preload.Registration);
        }
        finally
        {
            // Whoever waits is told, whatever becomes of the books.
            preload.End(error);
        }
    }
}
