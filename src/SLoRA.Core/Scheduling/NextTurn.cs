using SLoRA.Adapters.Resident;
using SLoRA.Sequences;

namespace SLoRA.Scheduling;

/// <summary>
/// Whose turn comes next: the first waiting sequence that does not wait for its consumer, and the preload that somebody has waited for
/// longest. Belongs to the engine's thread.
/// </summary>
/// <param name="queue">Who waits.</param>
/// <param name="preloads">What the program waits for.</param>
/// <param name="streamBuffer">Unread tokens at which a consumer is behind.</param>
internal sealed class NextTurn(WaitingQueue queue, PreloadLine preloads, int streamBuffer) : INeededNext
{
    /// <summary>The sequence that is to be admitted next; null when there is none.</summary>
    public Sequence? Sequence
    {
        get
        {
            Sequence? next = queue.Next(null);
            while (next is not null && next.IsPaused(streamBuffer))
            {
                next = queue.Next(next);
            }

            return next;
        }
    }

    /// <inheritdoc/>
    public bool Needs(Generation generation)
    {
        if (generation.Leases == 0)
        {
            return false;
        }

        if (Sequence is { } sequence)
        {
            foreach (Lease lease in sequence.Leases)
            {
                if (ReferenceEquals(lease.Generation, generation))
                {
                    return true;
                }
            }
        }

        return ReferenceEquals(preloads.First?.Registration.Generation, generation);
    }
}
