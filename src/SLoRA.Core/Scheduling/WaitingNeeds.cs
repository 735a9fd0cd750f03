using System.Collections.Immutable;
using SLoRA.Adapters.Resident;
using SLoRA.Sequences;

namespace SLoRA.Scheduling;

/// <summary>The most pages that a waiting request needs: what pinning must leave. Belongs to the engine's thread.</summary>
/// <param name="queue">Who waits.</param>
internal sealed class WaitingNeeds(WaitingQueue queue)
{
    /// <summary>No waiting request needs more pages; it may be that none needs so many.</summary>
    private int _most;

    /// <summary>Pages that a sequence needs for what is kept of it, those of its continuations included.</summary>
    public static int CachePages(Sequence sequence) =>
        sequence.Table.PagesFor(sequence.CacheTokens, sequence.PendingForks, sequence.PromptLength);

    /// <summary>A sequence waits, or the size of one of its adapters has become known.</summary>
    public void Note(Sequence sequence) => _most = Math.Max(_most, Pages(sequence, null));

    /// <summary>The most pages that a waiting request needs, those of one generation not counted, nor those of pinned ones.</summary>
    /// <param name="pinned">The generation.</param>
    /// <param name="left">Pages that are left for them: what is not more need not be exact, and then nobody is asked one by one.</param>
    public int Beside(Generation pinned, int left)
    {
        if (_most <= left)
        {
            return _most;
        }

        int most = 0;
        _most = 0;
        foreach (Sequence sequence in queue.InOrder())
        {
            most = Math.Max(most, Pages(sequence, pinned));
            _most = Math.Max(_most, Pages(sequence, null));
        }

        return most;
    }

    /// <summary>Pages that a sequence needs; null for a pinned generation counts all of them.</summary>
    private static int Pages(Sequence sequence, Generation? pinned)
    {
        ImmutableArray<Lease> leases = sequence.Leases;
        int pages = CachePages(sequence);
        for (int i = 0; i < leases.Length; i++)
        {
            AdapterRegistration registration = leases[i].Registration;
            bool counts = pinned is null || registration.Generation is not { } own || (own.Pins == 0 && !ReferenceEquals(own, pinned));
            for (int j = 0; counts && j < i; j++)
            {
                counts = !ReferenceEquals(leases[j].Registration, registration);
            }

            pages += counts ? registration.PageCount : 0;
        }

        return pages;
    }
}
