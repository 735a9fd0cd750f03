using SLoRA.Sequences;

namespace SLoRA.Scheduling;

/// <summary>
/// How a sequence gives up its pages and gets them back. Swapping copies all that they hold to main memory; recomputing keeps the tokens
/// alone. What the sequence answers is the same: what a row leaves in the pages does not depend on when it is computed. Belongs to the
/// engine's thread.
/// </summary>
/// <param name="swap">Main memory for pages.</param>
/// <param name="options">Which way.</param>
/// <param name="clock">Measures copies.</param>
internal sealed class Preemption(SwapSpace swap, SchedulingOptions options, TimeProvider clock)
{
    // Older steps count less: after 10 steps a third.
    private const double Decay = 0.9;

    private double _stepSeconds;
    private double _stepRows;
    private double _copySeconds;
    private double _copyBytes;

    /// <summary>What has happened since the engine was built.</summary>
    public PreemptionCounters Counters { get; private set; }

    /// <summary>Learns what computing costs.</summary>
    public void Stepped(int rows, TimeSpan elapsed)
    {
        _stepSeconds = (Decay * _stepSeconds) + elapsed.TotalSeconds;
        _stepRows = (Decay * _stepRows) + rows;
    }

    /// <summary>
    /// Which of those that run gives up its pages for another: the last one whose consumer is behind, for it would not move anyway; or else
    /// the last one in the order of the queue, which may be the one that needs them.
    /// </summary>
    /// <param name="running">Those that run, in the order of the queue.</param>
    /// <param name="needy">The place of the one that needs pages.</param>
    /// <returns>The place of the victim.</returns>
    public int Victim(IReadOnlyList<Sequence> running, int needy)
    {
        for (int i = running.Count - 1; i >= 0; i--)
        {
            if (i != needy && running[i].Finished is null && running[i].IsBehind(options.StreamBuffer))
            {
                return i;
            }
        }

        return running.Count - 1;
    }

    /// <summary>Takes the pages of a sequence.</summary>
    public void Release(Sequence sequence)
    {
        bool swaps = !sequence.HasOutgrown && Swaps(sequence) && TrySwap(sequence);
        Counters = Counters with
        {
            Preempted = Counters.Preempted + 1,
            Swapped = Counters.Swapped + (swaps ? 1 : 0),
            TokensGivenUp = Counters.TokensGivenUp + (swaps ? 0 : sequence.Computed),
        };
        sequence.ReleasePages();
    }

    /// <summary>Brings what was swapped back into pages that have been reserved, beyond what others had left.</summary>
    public void Restore(Sequence sequence)
    {
        if (sequence.Swapped is not { } swapped)
        {
            return;
        }

        if (swapped.Tokens > sequence.Computed)
        {
            long started = clock.GetTimestamp();
            int copied = swap.Read(swapped, sequence.Table.Restore(swapped.Tokens));
            sequence.Restored(swapped.Tokens);
            Measure(copied, started);
        }

        Forget(sequence);
    }

    /// <summary>Gives up what is in main memory.</summary>
    public void Forget(Sequence sequence)
    {
        if (sequence.Swapped is { } swapped)
        {
            swap.Release(swapped);
            sequence.Swapped = null;
        }
    }

    private bool Swaps(Sequence sequence)
    {
        int pages = sequence.Table.PagesFor(sequence.Computed);
        if (sequence.Computed == 0 || options.Preemption == PreemptionMode.Recompute || !swap.HasRoom(pages))
        {
            return false;
        }

        // Out and in again against the time of as many rows. The first copy is the measurement.
        return options.Preemption == PreemptionMode.Swap || _copyBytes == 0
            || 2 * pages * swap.PageBytes * _copySeconds / _copyBytes < sequence.Computed * _stepSeconds / _stepRows;
    }

    /// <summary>Copies a sequence's pages out. When main memory is refused, what they hold is computed again, which needs none.</summary>
    private bool TrySwap(Sequence sequence)
    {
        long started = clock.GetTimestamp();
        sequence.Swapped = swap.TryWrite(sequence.Table.AllPagesOf(sequence.Computed), sequence.Computed);
        if (sequence.Swapped is not { } swapped)
        {
            return false;
        }

        Measure(swapped.Blocks.Length, started);
        return true;
    }

    private void Measure(int pages, long started)
    {
        _copySeconds = (Decay * _copySeconds) + clock.GetElapsedTime(started).TotalSeconds;
        _copyBytes = (Decay * _copyBytes) + (pages * swap.PageBytes);
    }
}
