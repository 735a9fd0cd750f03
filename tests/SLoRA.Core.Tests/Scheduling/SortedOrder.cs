using SLoRA.Scheduling;
using SLoRA.Sequences;

namespace SLoRA.Core.Tests.Scheduling;

/// <summary>
/// The contract of an order, written as plainly as can be: a list that is sorted when a step begins. What it is sorted by is for those who
/// derive from it to say, and may change with every charge.
/// </summary>
internal abstract class SortedOrder : IQueueOrder
{
    private readonly List<Sequence> _waiting = [];
    private readonly HashSet<Sequence> _unready = [];

    public int Count => _waiting.Count;

    public int Ready => _waiting.Count - _unready.Count;

    public void Begin(IReadOnlyList<Sequence> running, long now)
    {
        Settle();
        _waiting.Sort(Compare);
    }

    public void Arrive(Sequence sequence, bool isReady)
    {
        Add(sequence);
        SetReady(sequence, isReady);
    }

    public void Return(Sequence sequence) => Add(sequence);

    public void Admit(Sequence sequence) => Leave(sequence);

    public void Leave(Sequence sequence)
    {
        Assert(_waiting.Remove(sequence));
        _unready.Remove(sequence);
    }

    public void SetReady(Sequence sequence, bool isReady)
    {
        Assert(_waiting.Contains(sequence));
        _ = isReady ? _unready.Remove(sequence) : _unready.Add(sequence);
    }

    public Sequence? Next(Sequence? after) => _waiting.Find(sequence => after is null || Compare(sequence, after) > 0);

    public Sequence? NextReady(Sequence? after) =>
        _waiting.Find(sequence => !_unready.Contains(sequence) && (after is null || Compare(sequence, after) > 0));

    public int Compare(Sequence a, Sequence b)
    {
        int order = CompareRequests(a.Request, b.Request);
        return order != 0 ? order : a.Continuation.CompareTo(b.Continuation);
    }

    public abstract bool GoesBefore(Preload preload, Sequence sequence);

    public virtual void Charge(Sequence sequence, Served served)
    {
    }

    public virtual IReadOnlyList<ExpiredRequest> Expired(long now) => [];

    /// <summary>Which of two requests goes first; the same until <see cref="Settle"/> is called.</summary>
    protected abstract int CompareRequests(RequestState a, RequestState b);

    /// <summary>What has been charged counts from here on.</summary>
    protected virtual void Settle()
    {
    }

    /// <summary>The requests that wait.</summary>
    protected IEnumerable<RequestState> Waiting => _waiting.Select(sequence => sequence.Request);

    private static void Assert(bool holds)
    {
        if (!holds)
        {
            throw new InvalidOperationException("The order was told of a sequence that does not wait.");
        }
    }

    private void Add(Sequence sequence)
    {
        Assert(!_waiting.Contains(sequence));
        int at = _waiting.FindIndex(other => Compare(other, sequence) > 0);
        _waiting.Insert(at < 0 ? _waiting.Count : at, sequence);
    }
}
