using SLoRA.Adapters.Resident;

namespace SLoRA.Scheduling;

/// <summary>
/// An adapter that is brought into pages for a caller who waits for it. Belongs to the engine's thread, apart from <see cref="Resident"/>.
/// </summary>
/// <param name="lease">Its hold on the adapter.</param>
/// <param name="pins">Whether it is to stay.</param>
/// <param name="arrival">Its place among all who have come, requests and preloads.</param>
/// <param name="cancellation">The caller's token: what the task says when the caller waits no more.</param>
internal sealed class Preload(Lease lease, bool pins, long arrival, CancellationToken cancellation)
{
    private readonly TaskCompletionSource _resident = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends when the adapter is resident.</summary>
    public Task Resident => _resident.Task;

    /// <summary>Its hold on the adapter, until it ends.</summary>
    public Lease Lease { get; } = lease;

    /// <summary>The adapter.</summary>
    public AdapterRegistration Registration => Lease.Registration;

    /// <summary>Whether it is to stay.</summary>
    public bool Pins { get; } = pins;

    /// <summary>Higher than that of everybody, request or preload, who had come before.</summary>
    public long Arrival { get; } = arrival;

    /// <summary>Whether the adapter is pinned because of this call.</summary>
    public bool HasPinned { get; set; }

    /// <summary>Where it stands; null when it has ended.</summary>
    public LinkedListNode<Preload>? Place { get; set; }

    /// <summary>Tells the caller.</summary>
    /// <param name="error">Why it is not resident; null when it is.</param>
    public void End(Exception? error)
    {
        switch (error)
        {
            case null:
                _resident.SetResult();
                break;
            case OperationCanceledException:
                _resident.SetCanceled(cancellation);
                break;
            default:
                _resident.SetException(error);
                break;
        }
    }
}
