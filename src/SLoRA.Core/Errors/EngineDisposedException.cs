namespace SLoRA;

/// <summary>The engine was disposed before the request had ended.</summary>
public sealed class EngineDisposedException : SLoraException
{
    /// <summary>Creates the error; its <see cref="SLoraException.Code"/> is <c>engine.disposed</c>.</summary>
    public EngineDisposedException()
        : base("engine.disposed", ErrorCategory.Capacity, "The engine has been disposed.")
    {
    }

    internal override SLoraException Repeat() => new EngineDisposedException();
}
