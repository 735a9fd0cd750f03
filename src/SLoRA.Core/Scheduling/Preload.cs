using SLoRA.Adapters.Resident;

namespace SLoRA.Scheduling;

/// <summary>
/// An adapter that is brought into pages for a caller who waits for it. Belongs to the engine's thread, apart from <see cref="Resident"/>.
/// </summary>
/// <param name="registration">The adapter.</param>
/// <param name="pins">Whether it is to stay.</param>
/// <param name="number">Its place among all who have come.</param>
/// <param name="cancellation">The caller's token: what the task says when the caller waits no more.</param>
internal sealed class Preload(AdapterRegistration registration, bool pins, long number, CancellationToken cancellation)
{
    private readonly TaskCompletionSource _resident = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends when the adapter is resident.</summary>
    public Task Resident => _resident.Task;

    /// <summary>The adapter.</summary>
    public AdapterRegistration Registration { get; } = registration;

    /// <summary>Whether it is to stay.</summary>
    public bool Pins { get; } = pins;

    /// <summary>Higher than that of everybody, request or preload, who had come before.</summary>
    public long Number { get; } = number;

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
