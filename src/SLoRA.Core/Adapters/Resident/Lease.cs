namespace SLoRA.Adapters.Resident;

/// <summary>What a request holds on an adapter from its arrival to its end.</summary>
/// <param name="Registration">The adapter as it was registered when the request arrived.</param>
/// <param name="Weight">The request's weight for it.</param>
internal sealed record Lease(AdapterRegistration Registration, float Weight)
{
    /// <summary>The content, once it has been read.</summary>
    public Generation? Generation => Registration.Generation;

    /// <summary>
    /// Whether the content is in memory. Once it is, the lease keeps it there, unless main memory is refused for it: then it is read again.
    /// </summary>
    public bool HasContent => Registration.Generation is { IsAvailable: true };
}
