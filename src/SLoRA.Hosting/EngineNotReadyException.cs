namespace SLoRA.Hosting;

/// <summary>The host has not loaded its engine yet, or could not. Nothing is wrong with the request.</summary>
public sealed class EngineNotReadyException : SLoraException
{
    /// <summary>Creates the error; its <see cref="SLoraException.Code"/> is <c>engine.not-ready</c>.</summary>
    public EngineNotReadyException()
        : base("engine.not-ready", ErrorCategory.Capacity, "The engine is not there yet: its model is still to be loaded.")
    {
    }
}
