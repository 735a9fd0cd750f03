namespace SLoRA;

/// <summary>
/// The engine finishes what it has taken and takes no more: <see cref="LoraServingEngine.DrainAsync"/> was called. Nothing is wrong;
/// another engine may serve the request.
/// </summary>
public sealed class EngineDrainingException : SLoraException
{
    /// <summary>Creates the error; its <see cref="SLoraException.Code"/> is <c>engine.draining</c>.</summary>
    public EngineDrainingException()
        : base("engine.draining", ErrorCategory.Capacity, "The engine is draining: it finishes what it has taken and takes no more.")
    {
    }

    internal override SLoraException Repeat() => new EngineDrainingException();
}
