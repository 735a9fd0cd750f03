using SLoRA.Errors;

namespace SLoRA;

/// <summary>An adapter is to be registered under a name that is taken. Nothing has changed; replace it on purpose instead.</summary>
public sealed class AdapterExistsException : SLoraException
{
    /// <summary>Creates the error; its <see cref="SLoraException.Code"/> is <c>adapter.exists</c>.</summary>
    /// <param name="adapter">The taken name.</param>
    public AdapterExistsException(string adapter)
        : base("adapter.exists", ErrorCategory.Caller, $"An adapter is registered under the name {Shown.Name(adapter)} already.")
    {
        Adapter = adapter;
    }

    /// <summary>The taken name.</summary>
    public string Adapter { get; }
}
