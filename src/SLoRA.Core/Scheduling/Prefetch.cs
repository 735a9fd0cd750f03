using SLoRA.Adapters;
using SLoRA.Engine;

namespace SLoRA.Scheduling;

/// <summary>
/// Brings the adapters of waiting requests nearer, in the order in which they will be admitted: content into the host store, and from there into pages that nobody
/// was promised. It takes no page that admitted work needs, and what it took is idle: admission takes it back like any other. Belongs to the engine's thread.
/// </summary>
/// <param name="queue">Who waits.</param>
/// <param name="loads">Reads content.</param>
/// <param name="cache">Generations that have pages.</param>
/// <param name="streamBuffer">Unread tokens at which a consumer is behind.</param>
internal sealed class Prefetch(WaitingQueue queue, ContentLoads loads, DeviceCache cache, int streamBuffer)
{
    /// <summary>How many sequences that never ran are looked at in a step.</summary>
    private const int LookAhead = 64;

    /// <summary>Does what can be done now.</summary>
    public void Advance(long now)
    {
        BeginReading(now);
        for (int i = 0; i < queue.Preempted.Count; i++)
        {
            if (!TryBringPages(queue.Preempted[i]))
            {
                return;
            }
        }

        int slot = -1;
        for (int left = LookAhead; left > 0 && queue.NextReady(slot) is { } sequence && TryBringPages(sequence); left--)
        {
            slot = sequence.Slot;
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
            else if (!loads.TryBegin(registration, IsNext(registration)))
            {
                return;
            }

            node = next;
        }
    }

    /// <summary>Whether the sequence that is the next to be admitted wants an adapter.</summary>
    private bool IsNext(AdapterRegistration registration)
    {
        for (int i = 0; i < queue.Preempted.Count; i++)
        {
            if (!queue.Preempted[i].IsPaused(streamBuffer))
            {
                return Wants(queue.Preempted[i], registration);
            }
        }

        return queue.FirstArrived is { } first && Wants(first, registration);
    }

    private static bool Wants(Sequence sequence, AdapterRegistration registration)
    {
        foreach (Lease lease in sequence.Request.Leases)
        {
            if (ReferenceEquals(lease.Registration, registration))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Gives pages to a sequence's generations that have none.</summary>
    /// <returns>False when there are too few; the first that does not fit holds back those behind it, as in admission.</returns>
    private bool TryBringPages(Sequence sequence)
    {
        foreach (Lease lease in sequence.Request.Leases)
        {
            if (lease is { HasContent: true, Generation: { Resident: null, IsPagingIn: false } generation } && !cache.TryPrefetch(generation))
            {
                return false;
            }
        }

        return true;
    }
}
