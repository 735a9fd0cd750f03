namespace SLoRA;

/// <summary>The base of every error that SLoRA raises on purpose. <see cref="Code"/> is stable and meant for programs; the message is for people.</summary>
public abstract class SLoraException : Exception
{
    /// <summary>Creates the error.</summary>
    /// <param name="code">A stable, dotted identifier such as <c>adapter.not-found</c>.</param>
    /// <param name="message">One sentence that names the offending value.</param>
    /// <param name="innerException">What caused it, if another error did.</param>
    protected SLoraException(string code, string message, Exception? innerException = null)
        : base(message, innerException)
    {
        Code = code;
    }

    /// <summary>A stable, dotted identifier such as <c>adapter.not-found</c>. It never changes between releases.</summary>
    public string Code { get; }
}
