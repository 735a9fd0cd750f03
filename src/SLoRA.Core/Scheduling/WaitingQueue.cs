using SLoRA.Adapters.Resident;
using SLoRA.Sequences;

namespace SLoRA.Scheduling;

/// <summary>
/// Who waits, in the order in which they may run: preempted sequences as they were first admitted, then the others as they arrived. It is
/// the one place that counts them. Looking at those who can run costs the same however many wait. Belongs to the engine's thread, apart
/// from <see cref="TryEnter"/>.
/// </summary>
/// <param name="limit">The most requests that have been handed in and never ran.</param>
internal sealed class WaitingQueue(int limit)
{
    private readonly List<Sequence> _preempted = [];
    private readonly WaitingLine _line = new();
    private readonly AdapterDemand _demand = new();
    private long _number;
    private int _entered;

    /// <summary>Sequences that have run and wait to go on.</summary>
    public IReadOnlyList<Sequence> Preempted => _preempted;

    /// <summary>Sequences that wait.</summary>
    public int Count => _preempted.Count + _line.Count;

    /// <summary>Those of them whose adapters' content is being read.</summary>
    public int ForContent => _line.Count - _line.Ready;

    /// <summary>The first wanted adapter whose content is not in memory; the others follow it.</summary>
    public LinkedListNode<AdapterRegistration>? FirstUnread => _demand.FirstUnread;

    /// <summary>Whether an adapter is among them.</summary>
    public bool IsUnread(AdapterRegistration registration) => _demand.IsUnread(registration);

    /// <summary>The sequence that has waited longest and never ran; null when there is none.</summary>
    public Sequence? FirstArrived => _line.First;

    /// <summary>Takes a place in the queue for a request that is being handed in. Any thread.</summary>
    /// <returns>False when all places are taken.</returns>
    public bool TryEnter()
    {
        if (Interlocked.Increment(ref _entered) <= limit)
        {
            return true;
        }

        Leave();
        return false;
    }

    /// <summary>Gives the place back of a request that ends without having run.</summary>
    public void Leave() => Interlocked.Decrement(ref _entered);

    /// <summary>A number for whoever comes now: later ones are higher.</summary>
    public long TakeNumber() => ++_number;

    /// <summary>Puts a sequence that has just arrived at the end.</summary>
    public void Add(Sequence sequence, long now)
    {
        sequence.Request.Number = TakeNumber();
        _demand.Add(sequence);
        _line.Add(sequence, sequence.Request.HasContent(now));
    }

    /// <summary>Puts a sequence that has been preempted where its first admission puts it.</summary>
    public void AddPreempted(Sequence sequence)
    {
        _demand.Add(sequence);
        Sequence.Insert(_preempted, sequence);
    }

    /// <summary>Takes a sequence out that is to run.</summary>
    public void Admit(Sequence sequence)
    {
        if (sequence.Request.Order == 0)
        {
            Leave();
        }

        Remove(sequence);
    }

    /// <summary>Takes a sequence out that has ended.</summary>
    public void Remove(Sequence sequence)
    {
        _demand.Remove(sequence);
        if (sequence.Request.Order == 0)
        {
            _line.Remove(sequence);
        }
        else
        {
            _preempted.Remove(sequence);
        }
    }

    /// <summary>The next sequence that never ran and whose adapters' content was in memory when that was looked at last.</summary>
    /// <param name="slot">The slot to begin behind; −1 for the head.</param>
    public Sequence? NextReady(int slot) => _line.NextReady(slot);

    /// <summary>The waiting sequences that hold an adapter.</summary>
    public Sequence[] WaitingFor(AdapterRegistration registration) => _demand.Of(registration);

    /// <summary>The content of an adapter is in memory: those who waited for nothing else can run.</summary>
    public void ContentArrived(AdapterRegistration registration, long now)
    {
        if (registration.Generation is not { IsAvailable: true })
        {
            return;
        }

        _demand.Read(registration);
        foreach (Sequence sequence in _demand.Of(registration))
        {
            if (sequence.Request.HasContent(now) && sequence.Request.Order == 0)
            {
                _line.SetReady(sequence, true);
            }
        }
    }

    /// <summary>A sequence that was ready turns out to lack content again: it waits until that has been read once more.</summary>
    public void ContentLost(Sequence sequence)
    {
        foreach (Lease lease in sequence.Request.Leases)
        {
            if (!lease.HasContent)
            {
                _demand.Lost(lease.Registration);
            }
        }

        if (sequence.Request.Order == 0)
        {
            _line.SetReady(sequence, false);
        }
    }

    /// <summary>Everybody, in order. For what happens seldom.</summary>
    public IEnumerable<Sequence> InOrder() => _preempted.Concat(_line.InOrder());
}
