namespace SLoRA.Adapters.Resident;

/// <summary>
/// What a sequence holds on an adapter from its arrival to its end, and a preload until it has ended: the adapter as it was registered
/// then, whatever becomes of its name. Leases are what counts holders and users: each is taken when it is made, used while its sequence
/// runs, and returned once. Belongs to the engine's thread.
/// </summary>
internal sealed class Lease
{
    private readonly LeaseCount _holder;
    private Generation? _used;
    private bool _isReturned;

    /// <summary>Takes a lease.</summary>
    /// <param name="registration">The adapter.</param>
    /// <param name="weight">What its effect is multiplied with.</param>
    /// <param name="holder">Counts the leases of those who take this one.</param>
    public Lease(AdapterRegistration registration, float weight, LeaseCount holder)
    {
        (Registration, Weight, _holder) = (registration, weight, holder);
        registration.NoteLease(1);
        holder.Note(1);
    }

    /// <summary>The adapter as it was registered when the lease was taken.</summary>
    public AdapterRegistration Registration { get; }

    /// <summary>What its effect is multiplied with.</summary>
    public float Weight { get; }

    /// <summary>The content, once it has been read.</summary>
    public Generation? Generation => Registration.Generation;

    /// <summary>
    /// Whether the content is in memory. Once it is, the lease keeps it there, unless main memory is refused for it: then it is read again.
    /// </summary>
    public bool HasContent => Registration.Generation is { IsAvailable: true };

    /// <summary>Whether a sequence that runs needs the content.</summary>
    public bool IsUsed => _used is not null;

    /// <summary>A sequence that runs, or is about to, needs the content: if it has pages, it keeps them.</summary>
    /// <exception cref="InvalidOperationException">It is used already, has been returned, or its content has not been read.</exception>
    public void Use()
    {
        if (_used is not null || _isReturned || Generation is not { } generation)
        {
            throw Wrong("used");
        }

        _used = generation;
        generation.NoteUser(1);
    }

    /// <summary>The sequence does not run any more. The pages stay until others need them.</summary>
    /// <exception cref="InvalidOperationException">It is not used.</exception>
    public void EndUse()
    {
        if (_used is not { } generation)
        {
            throw Wrong("released");
        }

        _used = null;
        generation.NoteUser(-1);
    }

    /// <summary>Gives the lease back, used or not. What nobody needs then is dropped by <see cref="Generations.Return"/>.</summary>
    /// <exception cref="InvalidOperationException">It has been returned before.</exception>
    public void Return()
    {
        if (_isReturned)
        {
            throw Wrong("returned");
        }

        if (_used is not null)
        {
            EndUse();
        }

        _isReturned = true;
        Registration.NoteLease(-1);
        _holder.Note(-1);
    }

    private InvalidOperationException Wrong(string what) =>
        new($"A lease on adapter '{Registration.Name}' was {what} at a time when it could not be.");
}
