namespace SLoRA;

/// <summary>
/// The base of every error that SLoRA raises on purpose. <see cref="Code"/> is stable and meant for programs; the message is for people.
/// </summary>
public abstract class SLoraException : Exception
{
    /// <summary>Creates the error.</summary>
    /// <param name="code">A stable, dotted identifier such as <c>adapter.not-found</c>.</param>
    /// <param name="category">Whose matter it is.</param>
    /// <param name="message">One sentence that names the offending value.</param>
    /// <param name="innerException">What caused it, if another error did.</param>
    protected SLoraException(string code, ErrorCategory category, string message, Exception? innerException = null)
        : base(message, innerException)
    {
        Code = code;
        Category = category;
    }

    /// <summary>A stable, dotted identifier such as <c>adapter.not-found</c>. It never changes between releases.</summary>
    public string Code { get; }

    /// <summary>Whose matter it is: the caller's, a lack of room or time, or the server's own fault.</summary>
    public ErrorCategory Category { get; }

    /// <summary>
    /// The same error for one more caller. An object that is thrown again carries the traces of everybody it was thrown to, and grows with
    /// each of them; so what many wait for fails for each of them with an object of its own.
    /// </summary>
    internal static Exception Repeat(Exception error) => (error as SLoraException)?.Repeat() ?? error;

    /// <summary>An error equal to this one in all but its trace. Its cause may be shared: nobody throws that again.</summary>
    internal virtual SLoraException Repeat() => new Repeated(this);

    /// <summary>Stands for an error of a type that is not known here, such as one that an adapter source has thrown.</summary>
    private sealed class Repeated(SLoraException original)
        : SLoraException(original.Code, original.Category, original.Message, original);
}
