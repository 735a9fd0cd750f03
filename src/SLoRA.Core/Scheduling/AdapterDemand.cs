using SLoRA.Adapters.Resident;
using SLoRA.Sequences;

namespace SLoRA.Scheduling;

/// <summary>
/// Which waiting sequences want which adapter, and which adapters have still to be read for them, in the order of the first sequences that
/// wanted them. What becomes of an adapter concerns those who want it and costs nothing to the others. Belongs to the engine's thread.
/// </summary>
/// <param name="order">Says who goes before whom.</param>
internal sealed class AdapterDemand(IQueueOrder order)
{
    private readonly Dictionary<AdapterRegistration, Demand> _demands = [];
    private readonly LinkedList<AdapterRegistration> _unread = [];

    /// <summary>The adapter whose content is to be read first of those that are not in memory; the others follow it.</summary>
    public LinkedListNode<AdapterRegistration>? FirstUnread => _unread.First;

    /// <summary>Whether an adapter is among them.</summary>
    public bool IsUnread(AdapterRegistration registration) =>
        _demands.TryGetValue(registration, out Demand? demand) && demand.Unread is not null;

    /// <summary>A sequence waits for its adapters.</summary>
    public void Add(Sequence sequence)
    {
        foreach (Lease lease in sequence.Leases)
        {
            if (!_demands.TryGetValue(lease.Registration, out Demand? demand))
            {
                _demands.Add(lease.Registration, demand = new Demand(sequence));
            }
            else if (order.Compare(sequence, demand.First) < 0)
            {
                demand.First = sequence;
                if (demand.Unread is { } node)
                {
                    // Somebody who goes before all others wants it too.
                    _unread.Remove(node);
                    demand.Unread = Insert(lease.Registration, sequence);
                }
            }

            demand.Sequences.Add(sequence);
            if (!lease.HasContent)
            {
                demand.Unread ??= Insert(lease.Registration, demand.First);
            }
        }
    }

    /// <summary>A sequence waits no more.</summary>
    public void Remove(Sequence sequence)
    {
        foreach (Lease lease in sequence.Leases)
        {
            if (_demands.TryGetValue(lease.Registration, out Demand? demand) && demand.Sequences.Remove(sequence)
                && demand.Sequences.Count == 0)
            {
                Read(lease.Registration);
                _demands.Remove(lease.Registration);
            }
        }
    }

    /// <summary>The waiting sequences that want an adapter, as they are now.</summary>
    public Sequence[] Of(AdapterRegistration registration) =>
        _demands.TryGetValue(registration, out Demand? demand) ? [.. demand.Sequences] : [];

    /// <summary>The content of a wanted adapter has gone again, for want of memory: it is the next to be read.</summary>
    public void Lost(AdapterRegistration registration)
    {
        if (_demands.TryGetValue(registration, out Demand? demand))
        {
            demand.Unread ??= _unread.AddFirst(registration);
        }
    }

    /// <summary>The content of an adapter is in memory.</summary>
    public void Read(AdapterRegistration registration)
    {
        if (_demands.TryGetValue(registration, out Demand? demand) && demand.Unread is { } node)
        {
            _unread.Remove(node);
            demand.Unread = null;
        }
    }

    /// <summary>Puts an adapter behind those that are wanted by sequences that go before the first one that wants it.</summary>
    private LinkedListNode<AdapterRegistration> Insert(AdapterRegistration registration, Sequence first)
    {
        LinkedListNode<AdapterRegistration>? before = _unread.Last;
        while (before is not null && order.Compare(first, _demands[before.Value].First) < 0)
        {
            before = before.Previous;
        }

        return before is null ? _unread.AddFirst(registration) : _unread.AddAfter(before, registration);
    }

    private sealed class Demand(Sequence first)
    {
        /// <summary>The one that went before the others when they came; it need not wait any more.</summary>
        public Sequence First { get; set; } = first;

        public HashSet<Sequence> Sequences { get; } = [];

        public LinkedListNode<AdapterRegistration>? Unread { get; set; }
    }
}
