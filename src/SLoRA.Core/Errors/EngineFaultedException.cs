using SLoRA.Errors;

namespace SLoRA;

/// <summary>
/// The device or the engine itself failed. Every stream ends with this error and no further request is taken; the process goes on.
/// </summary>
public sealed class EngineFaultedException : SLoraException
{
    /// <summary>Creates the error; its <see cref="SLoraException.Code"/> is <c>engine.faulted</c>.</summary>
    /// <param name="cause">What failed.</param>
    public EngineFaultedException(Exception cause)
        : base("engine.faulted", ErrorCategory.Server, $"The engine failed: {ErrorText.Of(cause)}", cause)
    {
    }

    internal override SLoraException Repeat() => new EngineFaultedException(InnerException!);
}
