using SLoRA.Sequences;

namespace SLoRA.Scheduling;

/// <summary>
/// First come, first served: sequences that have been preempted go before all others, in the order of their first admission; then those
/// that never ran, as they arrived. Nothing is charged and nobody expires. Belongs to the engine's thread.
/// </summary>
internal sealed class FirstCome : IQueueOrder
{
    /// <summary>The slot of one that has been preempted and does not stand in the line.</summary>
    private const int Returned = -1;

    private readonly List<Sequence> _returned = [];
    private readonly WaitingLine _line = new();

    /// <inheritdoc/>
    public int Count => _returned.Count + _line.Count;

    /// <inheritdoc/>
    public int Ready => _returned.Count + _line.Ready;

    /// <inheritdoc/>
    public void Begin(IReadOnlyList<Sequence> running, long now)
    {
    }

    /// <inheritdoc/>
    public void Arrive(Sequence sequence, bool isReady) => _line.Add(sequence, isReady);

    /// <inheritdoc/>
    public void Return(Sequence sequence)
    {
        _returned.Insert(PlaceBehind(sequence), sequence);
        sequence.Slot = Returned;
    }

    /// <inheritdoc/>
    public void Admit(Sequence sequence) => Leave(sequence);

    /// <inheritdoc/>
    public void Leave(Sequence sequence)
    {
        if (sequence.Slot == Returned)
        {
            _returned.Remove(sequence);
        }
        else
        {
            _line.Remove(sequence);
        }
    }

    /// <inheritdoc/>
    public void SetReady(Sequence sequence, bool isReady)
    {
        if (sequence.Slot != Returned)
        {
            _line.SetReady(sequence, isReady);
        }
    }

    /// <inheritdoc/>
    public Sequence? Next(Sequence? after) => NextReturned(after) ?? _line.Next(SlotOf(after));

    /// <inheritdoc/>
    public Sequence? NextReady(Sequence? after) => NextReturned(after) ?? _line.NextReady(SlotOf(after));

    /// <inheritdoc/>
    public int Compare(Sequence a, Sequence b)
    {
        if (a.Request.HasRun != b.Request.HasRun)
        {
            return a.Request.HasRun ? -1 : 1;
        }

        int order = a.Request.FirstAdmission.CompareTo(b.Request.FirstAdmission);
        order = order != 0 ? order : a.Request.Arrival.CompareTo(b.Request.Arrival);
        return order != 0 ? order : a.Continuation.CompareTo(b.Continuation);
    }

    /// <inheritdoc/>
    public bool GoesBefore(Preload preload, Sequence sequence) =>
        !sequence.Request.HasRun && preload.Arrival < sequence.Request.Arrival;

    /// <inheritdoc/>
    public void Charge(Sequence sequence, Served served)
    {
    }

    /// <inheritdoc/>
    public IReadOnlyList<ExpiredRequest> Expired(long now) => [];

    private static int SlotOf(Sequence? after) => after?.Slot ?? -1;

    private Sequence? NextReturned(Sequence? after)
    {
        int place = after is null ? 0 : after.Slot == Returned ? PlaceBehind(after) : _returned.Count;
        return place < _returned.Count ? _returned[place] : null;
    }

    /// <summary>The place of the first of those returned that comes behind a sequence.</summary>
    private int PlaceBehind(Sequence sequence)
    {
        int low = 0;
        for (int high = _returned.Count; low < high;)
        {
            int middle = (low + high) / 2;
            (low, high) = Compare(_returned[middle], sequence) > 0 ? (low, middle) : (middle + 1, high);
        }

        return low;
    }
}
