using SLoRA.Adapters;
using SLoRA.Engine;

namespace SLoRA.Scheduling;

/// <summary>
/// Brings the adapters of waiting requests nearer, in the order in which they will be admitted: content into the host store, and from there into pages that nobody
/// was promised. It takes no page that admitted work needs, and what it took is idle: admission takes it back like any other. Belongs to the engine's thread.
/// </summary>
internal sealed class Prefetch(ContentLoads loads, DeviceCache cache)
{
    /// <summary>Does what can be done now.</summary>
    /// <param name="waiting">The queue.</param>
    public void Advance(IReadOnlyList<Sequence> waiting)
    {
        bool hasPages = true;
        bool isFirst = true;
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
                    loads.TryBegin(lease.Registration, isFirst);
                    isFirst = false;
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
