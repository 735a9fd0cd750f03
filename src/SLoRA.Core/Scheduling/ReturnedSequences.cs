using SLoRA.Sequences;

namespace SLoRA.Scheduling;

/// <summary>Sequences that have been preempted and wait to go on, in order. Belongs to the engine's thread.</summary>
/// <param name="compare">The order of sequences that have run.</param>
internal sealed class ReturnedSequences(Comparison<Sequence> compare)
{
    /// <summary>What is written into <see cref="Sequence.Slot"/> of those that are here.</summary>
    private const int Here = -1;

    private readonly List<Sequence> _sequences = [];

    /// <summary>How many there are.</summary>
    public int Count => _sequences.Count;

    /// <summary>Whether a sequence is one of them.</summary>
    public static bool Has(Sequence sequence) => sequence.Slot == Here;

    /// <summary>Puts one in.</summary>
    public void Add(Sequence sequence)
    {
        _sequences.Insert(Behind(sequence), sequence);
        sequence.Slot = Here;
    }

    /// <summary>Takes one out.</summary>
    public void Remove(Sequence sequence)
    {
        _sequences.Remove(sequence);
        sequence.Slot = 0;
    }

    /// <summary>The order has changed.</summary>
    /// <param name="returnedBy">Those that have waited since then or before have waited for long enough.</param>
    public void Sort(long returnedBy)
    {
        foreach (Sequence sequence in _sequences)
        {
            var standing = Standing.Of(sequence);
            standing.HasWaitedAgain |= standing.ReturnedSince <= returnedBy;
        }

        for (int i = 1; i < _sequences.Count; i++)
        {
            Sequence sequence = _sequences[i];
            int at = i;
            for (; at > 0 && compare(_sequences[at - 1], sequence) > 0; at--)
            {
                _sequences[at] = _sequences[at - 1];
            }

            _sequences[at] = sequence;
        }
    }

    /// <summary>The next one; null when there is none.</summary>
    /// <param name="after">The one to begin behind; null for the first.</param>
    public Sequence? Next(Sequence? after)
    {
        int place = after is null ? 0 : Behind(after);
        return place < _sequences.Count ? _sequences[place] : null;
    }

    /// <summary>The first one of which something is not true that is true of all before it; null when there is none.</summary>
    /// <param name="holds">What may be true.</param>
    /// <param name="of">Asked with each.</param>
    public Sequence? FirstNot(Func<Sequence, Standing, bool> holds, Standing of)
    {
        int low = 0;
        for (int high = _sequences.Count; low < high;)
        {
            int middle = (low + high) / 2;
            (low, high) = holds(_sequences[middle], of) ? (middle + 1, high) : (low, middle);
        }

        return low < _sequences.Count ? _sequences[low] : null;
    }

    private int Behind(Sequence sequence)
    {
        int low = 0;
        for (int high = _sequences.Count; low < high;)
        {
            int middle = (low + high) / 2;
            (low, high) = compare(_sequences[middle], sequence) > 0 ? (low, middle) : (middle + 1, high);
        }

        return low;
    }
}
