using SLoRA.Adapters.Resident;
using SLoRA.Sequences;

namespace SLoRA.Scheduling;

/// <summary>
/// What running sequences hold whose consumers are behind: pages, promised ones included, and places. A page that several of them share, or
/// somebody else, counts once. Belongs to the engine's thread.
/// </summary>
/// <param name="pages">Pages of the pool.</param>
/// <param name="streamBuffer">Unread tokens at which a consumer is behind.</param>
internal sealed class PausedHoldings(int pages, int streamBuffer)
{
    private int[] _counted = [];
    private int _round;

    /// <summary>Sequences that were behind at the last <see cref="Measure"/>.</summary>
    public int Sequences { get; private set; }

    /// <summary>Places that they take, those counted that are yet to be forked.</summary>
    public int Places { get; private set; }

    /// <summary>Pages that they keep from others.</summary>
    public int Pages { get; private set; }

    /// <summary>Whether a running sequence is one of them.</summary>
    public bool Counts(Sequence sequence) => sequence.Finished is null && sequence.IsBehind(streamBuffer);

    /// <summary>Counts.</summary>
    public void Measure(List<Sequence> running)
    {
        Sequences = Places = Pages = 0;
        _counted = _counted.Length == 0 ? new int[pages] : _counted;
        _round++;
        foreach (Sequence sequence in running)
        {
            if (Counts(sequence))
            {
                Sequences++;
                Places += 1 + sequence.PendingForks;
                Pages += sequence.Table.Reserved + Add(sequence);
            }
        }
    }

    /// <summary>Counts what a sequence that is not among them holds, and pinned generations.</summary>
    /// <returns>Pages that had not been counted.</returns>
    public int AddPages(Sequence sequence, IReadOnlyList<Generation> resident)
    {
        int added = Add(sequence);
        for (int i = 0; i < resident.Count; i++)
        {
            added += resident[i].Pins > 0 ? Add(resident[i].Resident!.Pages) : 0;
        }

        return added;
    }

    private int Add(Sequence sequence)
    {
        int added = Add(sequence.Table.StatePages);
        for (int group = 0; group < sequence.Table.Groups; group++)
        {
            added += Add(sequence.Table.Held(group));
        }

        foreach (Lease lease in sequence.Leases)
        {
            if (lease.Generation is { } generation)
            {
                added += Add(generation.Copy?.Pages ?? generation.Resident?.Pages ?? []);
            }
        }

        return added;
    }

    private int Add(ReadOnlySpan<int> pages)
    {
        int added = 0;
        foreach (int page in pages)
        {
            added += _counted[page] == _round ? 0 : 1;
            _counted[page] = _round;
        }

        return added;
    }
}
