using SLoRA.Errors;

namespace SLoRA;

/// <summary>A request or a command names an adapter that is not registered. The base model is never served in its place.</summary>
public sealed class AdapterNotFoundException : SLoraException
{
    /// <summary>Creates the error; its <see cref="SLoraException.Code"/> is <c>adapter.not-found</c>.</summary>
    /// <param name="adapter">The name that was asked for.</param>
    public AdapterNotFoundException(string adapter)
        : base("adapter.not-found", ErrorCategory.Caller, $"No adapter is registered under the name {Shown.Name(adapter)}.")
    {
        Adapter = adapter;
    }

    /// <summary>The name that was asked for.</summary>
    public string Adapter { get; }

    internal override SLoraException Repeat() => new AdapterNotFoundException(Adapter);
}
