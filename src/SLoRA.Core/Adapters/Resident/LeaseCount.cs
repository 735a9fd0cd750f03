namespace SLoRA.Adapters.Resident;

/// <summary>How many leases somebody holds: all requests, all preloads. Belongs to the engine's thread.</summary>
internal sealed class LeaseCount
{
    /// <summary>Leases that were taken and have not been returned.</summary>
    public int Held { get; private set; }

    /// <summary>So many more are held. Called by <see cref="Lease"/>.</summary>
    internal void Note(int leases) => Held += leases;
}
