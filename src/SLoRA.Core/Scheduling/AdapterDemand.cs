using SLoRA.Adapters.Resident;
using SLoRA.Sequences;

namespace SLoRA.Scheduling;

/// <summary>
/// Which waiting sequences want which adapter, and which adapters have still to be read for them, in the order in which they were first
/// wanted. What becomes of an adapter concerns those who want it and costs nothing to the others. Belongs to the engine's thread.
/// </summary>
internal sealed class AdapterDemand
{
    private readonly Dictionary<AdapterRegistration, Demand> _demands = [];
    private readonly LinkedList<AdapterRegistration> _unread = [];

    /// <summary>The adapter that was first wanted of those whose content is not in memory; the others follow it.</summary>
    public LinkedListNode<AdapterRegistration>? FirstUnread => _unread.First;

    /// <summary>Whether an adapter is among them.</summary>
    public bool IsUnread(AdapterRegistration registration) =>
        _demands.TryGetValue(registration, out Demand? demand) && demand.Unread is not null;

    /// <summary>A sequence waits for its adapters.</summary>
    public void Add(Sequence sequence)
    {
        foreach (Lease lease in sequence.Request.Leases)
        {
            if (!_demands.TryGetValue(lease.Registration, out Demand? demand))
            {
                _demands.Add(lease.Registration, demand = new Demand());
            }

            demand.Sequences.Add(sequence);
            if (!lease.HasContent)
            {
                demand.Unread ??= _unread.AddLast(lease.Registration);
            }
        }
    }

    /// <summary>A sequence waits no more.</summary>
    public void Remove(Sequence sequence)
    {
        foreach (Lease lease in sequence.Request.Leases)
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

    private sealed class Demand
    {
        public HashSet<Sequence> Sequences { get; } = [];

        public LinkedListNode<AdapterRegistration>? Unread { get; set; }
    }
}
