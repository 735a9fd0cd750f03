using SLoRA.Adapters.Resident;
using SLoRA.Sequences;
using SLoRA.Step;

namespace SLoRA.Scheduling;

/// <summary>
/// Who waits: the one place that counts them, knows what content they wait for, and asks the order who is next. Looking at those who can
/// run costs the same however many wait. Belongs to the engine's thread, apart from <see cref="TryEnter"/>.
/// </summary>
/// <param name="limit">The most requests that have been handed in and never ran.</param>
/// <param name="order">Says who goes before whom.</param>
internal sealed class WaitingQueue(int limit, IQueueOrder order)
{
    private readonly List<Sequence> _preempted = [];
    private readonly AdapterDemand _demand = new(order);
    private long _arrivals;
    private int _entered;

    /// <summary>Sequences that have run and wait to go on, in no particular order.</summary>
    public IReadOnlyList<Sequence> Preempted => _preempted;

    /// <summary>Sequences that wait.</summary>
    public int Count => order.Count;

    /// <summary>Those of them whose adapters' content is being read.</summary>
    public int ForContent => order.Count - order.Ready;

    /// <inheritdoc cref="IQueueOrder.OverQuota"/>
    public int OverQuota => order.OverQuota;

    /// <inheritdoc cref="IQueueOrder.Claims"/>
    public Claims? Claims => order.Claims;

    /// <inheritdoc cref="IQueueOrder.NextChange"/>
    public long NextChange => order.NextChange;

    /// <summary>The first wanted adapter whose content is not in memory; the others follow it.</summary>
    public LinkedListNode<AdapterRegistration>? FirstUnread => _demand.FirstUnread;

    /// <summary>Whether an adapter is among them.</summary>
    public bool IsUnread(AdapterRegistration registration) => _demand.IsUnread(registration);

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

    /// <summary>A number for whoever comes now, request or preload: later ones are higher.</summary>
    public long NextArrival() => ++_arrivals;

    /// <summary>A step begins: what has been charged counts, and those that run stand in the order that follows from it.</summary>
    public void Begin(List<Sequence> running, long now)
    {
        order.Begin(running, now);
        for (int i = 1; i < running.Count; i++)
        {
            if (order.Compare(running[i - 1], running[i]) > 0)
            {
                Sequence sequence = running[i];
                running.RemoveAt(i);
                Insert(running, sequence, i);
            }
        }
    }

    /// <summary>Puts a sequence among those that run, where the order has it.</summary>
    public void Insert(List<Sequence> running, Sequence sequence) => Insert(running, sequence, running.Count);

    /// <summary>A sequence that has just arrived waits.</summary>
    public void Add(Sequence sequence)
    {
        RequestState request = sequence.Request;
        request.Arrival = NextArrival();
        order.Arrive(sequence, sequence.HasContent(request.Arrived));
        _demand.Add(sequence);
    }

    /// <summary>A sequence that has been preempted waits again.</summary>
    public void AddPreempted(Sequence sequence)
    {
        _preempted.Add(sequence);
        order.Return(sequence);
        _demand.Add(sequence);
    }

    /// <summary>Takes a sequence out that is to run.</summary>
    public void Admit(Sequence sequence)
    {
        if (!sequence.Request.HasRun)
        {
            Leave();
        }

        order.Admit(sequence);
        Forget(sequence);
    }

    /// <summary>Takes a sequence out that has ended.</summary>
    public void Remove(Sequence sequence)
    {
        order.Leave(sequence);
        Forget(sequence);
    }

    /// <inheritdoc cref="IQueueOrder.Next"/>
    public Sequence? Next(Sequence? after) => order.Next(after);

    /// <inheritdoc cref="IQueueOrder.NextReady"/>
    public Sequence? NextReady(Sequence? after) => order.NextReady(after);

    /// <inheritdoc cref="IQueueOrder.Compare"/>
    public int Compare(Sequence a, Sequence b) => order.Compare(a, b);

    /// <inheritdoc cref="IQueueOrder.GoesBefore"/>
    public bool GoesBefore(Preload preload, Sequence sequence) => order.GoesBefore(preload, sequence);

    /// <inheritdoc cref="IQueueOrder.Expired"/>
    public IReadOnlyList<ExpiredRequest> Expired(long now) => order.Expired(now);

    /// <summary>A step has computed, and nobody has taken a token yet: its rows are charged to those that it computed for.</summary>
    /// <param name="plan">What was computed.</param>
    /// <param name="sequences">The sequence of each slice.</param>
    public void Charge(StepPlan plan, IReadOnlyList<Sequence> sequences)
    {
        for (int i = 0; i < sequences.Count; i++)
        {
            int rows = plan.Slices[i].RowCount;
            int outputs = rows == sequences[i].Pending ? 1 : 0;
            order.Charge(sequences[i], new Served(rows - outputs, outputs, 0));
        }
    }

    /// <summary>Bytes of an adapter that are to be copied into pages are charged to the sequence that wants them there.</summary>
    public void ChargePageIn(Sequence sequence, long bytes) => order.Charge(sequence, new Served(0, 0, bytes));

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
            if (sequence.HasContent(now))
            {
                order.SetReady(sequence, true);
            }
        }
    }

    /// <summary>A sequence that was ready turns out to lack content again: it waits until that has been read once more.</summary>
    public void ContentLost(Sequence sequence)
    {
        foreach (Lease lease in sequence.Leases)
        {
            if (!lease.HasContent)
            {
                _demand.Lost(lease.Registration);
            }
        }

        order.SetReady(sequence, false);
    }

    /// <summary>Everybody, in order. For what happens seldom.</summary>
    public IEnumerable<Sequence> InOrder()
    {
        for (Sequence? sequence = order.Next(null); sequence is not null; sequence = order.Next(sequence))
        {
            yield return sequence;
        }
    }

    private void Forget(Sequence sequence)
    {
        _demand.Remove(sequence);
        if (sequence.Request.HasRun)
        {
            _preempted.Remove(sequence);
        }
    }

    private void Insert(List<Sequence> running, Sequence sequence, int end)
    {
        while (end > 0 && order.Compare(running[end - 1], sequence) > 0)
        {
            end--;
        }

        running.Insert(end, sequence);
    }
}
