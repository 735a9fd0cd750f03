using SLoRA.Adapters;
using SLoRA.Engine;

namespace SLoRA.Scheduling;

/// <summary>
/// Brings the adapters of waiting requests nearer, in the order in which they will be admitted: content into the host store, and from there into pages that
/// nobody was promised. Only what is to be admitted next may exceed the bound of the host store. It takes no page that admitted work needs, and what it took is
/// idle: admission takes it back like any other. Belongs to the engine's thread.
/// </summary>
internal sealed class Prefetch(ContentLoads loads, DeviceCache cache, int streamBuffer)
{
    /// <summary>The sequence that is to be admitted next: the first that does not wait for its consumer. Null when there is none.</summary>
    public Sequence? HeadOf(IReadOnlyList<Sequence> waiting)
    {
        for (int i = 0; i < waiting.Count; i++)
        {
            Sequence sequence = waiting[i];
            if (sequence.Finished is null && (sequence.Request.Order == 0 || !sequence.IsPaused(streamBuffer)))
            {
                return sequence;
            }
        }

        return null;
    }

    /// <summary>Does what can be done now.</summary>
    /// <param name="waiting">The queue.</param>
    /// <param name="head">Its head.</param>
    public void Advance(IReadOnlyList<Sequence> waiting, Sequence? head)
    {
        bool hasPages = true;
        for (int i = 0; i < waiting.Count && (hasPages || loads.HasSlot); i++)
        {
            if (waiting[i].Finished is not null)
            {
                continue;
            }

            foreach (Lease lease in waiting[i].Request.Leases)
            {
                if (!lease.HasContent)
                {
                    loads.TryBegin(lease.Registration, isFirst: ReferenceEquals(waiting[i], head));
                }
                else if (hasPages && lease.Generation is { Resident: null, IsPagingIn: false } generation)
                {
                    // The first that does not fit holds back those behind it, as in admission.
                    hasPages = cache.TryPrefetch(generation);
                }
            }
        }
    }
}
