using SLoRA.Adapters.Resident;
using SLoRA.Sequences;

namespace SLoRA.Scheduling;

/// <summary>
/// Brings the adapters of waiting requests nearer, in the order in which they will be admitted: content into the host store, and from there
/// into pages that nobody was promised. Only what is to be admitted next may exceed the bound of the host store. It takes no page that
/// admitted work needs, and what it took is idle: admission takes it back like any other. Belongs to the engine's thread.
/// </summary>
/// <param name="queue">Who waits.</param>
/// <param name="loads">Reads content.</param>
/// <param name="cache">Generations that have pages.</param>
internal sealed class Prefetch(WaitingQueue queue, ContentLoads loads, DeviceCache cache)
{
    /// <summary>How many sequences are looked at in a step.</summary>
    private const int LookAhead = 64;

    /// <summary>Does what can be done now.</summary>
    /// <param name="next">The sequence that is to be admitted next.</param>
    /// <param name="now">Timestamp of the engine's clock.</param>
    public void Advance(Sequence? next, long now)
    {
        if (next is not null)
        {
            ReadFor(next, now);
        }

        BeginReading(now);
        Sequence? sequence = queue.NextReady(null);
        for (int left = LookAhead; left > 0 && sequence is not null && TryBringPages(sequence); left--)
        {
            sequence = queue.NextReady(sequence);
        }
    }

    /// <summary>
    /// Begins to read what is to be admitted next, whatever there is room for: those behind it may hold what takes the room.
    /// </summary>
    private void ReadFor(Sequence sequence, long now)
    {
        foreach (Lease lease in sequence.Leases)
        {
            if (!lease.HasContent)
            {
                loads.TryBegin(lease.Registration, isFirst: true);
            }
            else if (queue.IsUnread(lease.Registration))
            {
                // Another name has brought the same content.
                queue.ContentArrived(lease.Registration, now);
            }
        }
    }

    /// <summary>Begins to read what was wanted first; what there is no room for holds back what was wanted later.</summary>
    private void BeginReading(long now)
    {
        LinkedListNode<AdapterRegistration>? node = queue.FirstUnread;
        while (node is not null && loads.HasSlot)
        {
            LinkedListNode<AdapterRegistration>? next = node.Next;
            AdapterRegistration registration = node.Value;
            if (registration.Generation is { IsAvailable: true })
            {
                // Another name has brought the same content.
                queue.ContentArrived(registration, now);
            }
            else if (!loads.TryBegin(registration, isFirst: false))
            {
                return;
            }

            node = next;
        }
    }

    /// <summary>Gives pages to a sequence's generations that have none.</summary>
    /// <returns>False when there are too few; the first that does not fit holds back those behind it, as in admission.</returns>
    private bool TryBringPages(Sequence sequence)
    {
        foreach (Lease lease in sequence.Leases)
        {
            if (lease is { HasContent: true, Generation: { Resident: null, IsPagingIn: false } generation })
            {
                if (!cache.TryPrefetch(generation))
                {
                    return false;
                }

                queue.ChargePageIn(sequence, cache.BytesOf(generation));
            }
        }

        return true;
    }
}
