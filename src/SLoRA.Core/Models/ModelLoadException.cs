using SLoRA.Formats;

namespace SLoRA;

/// <summary>
/// A base model could not be loaded. <see cref="SLoraException.Code"/> is <c>model.file</c>, <c>model.config</c>, <c>model.tensor</c> or
/// <c>model.incompatible</c>; the message names the file and, where there is one, the tensor or key.
/// </summary>
public sealed class ModelLoadException : SLoraException
{
    internal ModelLoadException(FormatError error)
        : base(error.Kind.Code("model"), ErrorCategory.Server, error.Message, error.InnerException)
    {
        Kind = error.Kind;
        File = error.File ?? "";
        Subject = error.Subject;
    }

    /// <summary>What was wrong.</summary>
    public LoadErrorKind Kind { get; }

    /// <summary>The path of the file at fault, or of the folder if a file is missing from it.</summary>
    public string File { get; }

    /// <summary>
    /// The tensor, configuration key or file name at fault, where the error is about one; otherwise <see langword="null"/>.
    /// </summary>
    public string? Subject { get; }
}
