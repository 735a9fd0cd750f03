namespace SLoRA.Adapters.Resident;

/// <summary>How often, and how long ago, something was used: uses count half after each <see cref="HalfLife"/>.</summary>
internal struct UseRecord
{
    /// <summary>After how long a use counts half.</summary>
    public static readonly TimeSpan HalfLife = TimeSpan.FromMinutes(1);

    private double _count;

    /// <summary>Timestamp of the last use; 0 for never.</summary>
    public long Last { get; private set; }

    /// <summary>Orders uses at the same time.</summary>
    public long Order { get; private set; }

    /// <summary>Notes a use.</summary>
    public void Add(long now, long order, TimeProvider clock)
    {
        _count = Count(now, clock) + 1;
        Last = now;
        Order = order;
    }

    /// <summary>Uses per second of age: popularity, divided by the time since the last use.</summary>
    public readonly double Rate(long now, TimeProvider clock) => Count(now, clock) / (clock.GetElapsedTime(Last, now).TotalSeconds + 1e-3);

    private readonly double Count(long now, TimeProvider clock) =>
        _count == 0 ? 0 : _count * double.Exp2(-(clock.GetElapsedTime(Last, now) / HalfLife));
}
