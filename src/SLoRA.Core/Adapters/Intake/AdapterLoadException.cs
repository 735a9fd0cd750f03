using SLoRA.Errors;
using SLoRA.Formats;

namespace SLoRA;

/// <summary>
/// An adapter could not be registered or loaded. <see cref="SLoraException.Code"/> is <c>adapter.file</c>, <c>adapter.config</c>,
/// <c>adapter.tensor</c> or <c>adapter.incompatible</c>, that of <see cref="AdapterChangedException"/> <c>adapter.changed</c>; the message
/// names the file and the tensor or option at fault. It concerns this adapter only: nothing of it is registered, and everything else goes
/// on.
/// </summary>
public class AdapterLoadException : SLoraException
{
    internal AdapterLoadException(string adapter, FormatError error)
        : base(error.Kind.Code("adapter"), CategoryOf(error.Kind), $"Adapter {Shown.Name(adapter)}: {error.Message}", error.InnerException)
    {
        Adapter = adapter;
        Kind = error.Kind;
        Subject = error.Subject;
    }

    private protected AdapterLoadException(string adapter, string code, LoadErrorKind kind, string problem)
        : base(code, CategoryOf(kind), $"Adapter {Shown.Name(adapter)}: {problem}")
    {
        Adapter = adapter;
        Kind = kind;
    }

    internal AdapterLoadException(string adapter, LoadErrorKind kind, string problem, Exception? cause = null)
        : base(kind.Code("adapter"), CategoryOf(kind), $"Adapter {Shown.Name(adapter)}: {problem}", cause)
    {
        Adapter = adapter;
        Kind = kind;
    }

    private protected AdapterLoadException(AdapterLoadException other)
        : base(other.Code, other.Category, other.Message, other.InnerException)
    {
        Adapter = other.Adapter;
        Kind = other.Kind;
        Subject = other.Subject;
    }

    /// <summary>The name under which the adapter was to be registered.</summary>
    public string Adapter { get; }

    /// <summary>What was wrong.</summary>
    public LoadErrorKind Kind { get; }

    /// <summary>The tensor, option or file name at fault, where the error is about one; otherwise <see langword="null"/>.</summary>
    public string? Subject { get; }

    internal override SLoraException Repeat() => new AdapterLoadException(this);

    /// <summary>
    /// A file that is not there or is damaged is the server's matter; an adapter that asks for what is not served is its owner's.
    /// </summary>
    private static ErrorCategory CategoryOf(LoadErrorKind kind) =>
        kind == LoadErrorKind.File ? ErrorCategory.Server : ErrorCategory.Caller;
}
