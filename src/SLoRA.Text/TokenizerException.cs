namespace SLoRA.Text;

/// <summary>
/// A tokenizer file or a text that cannot be served. <see cref="SLoraException.Code"/> is one of
/// <c>tokenizer.file</c> (a file is missing or unreadable), <c>tokenizer.format</c> (its content is damaged or contradicts itself),
/// <c>tokenizer.unsupported</c> (a component or option that is not implemented), <c>tokenizer.unknown</c> (a text holds what the
/// vocabulary cannot express and no unknown token stands in for it), <c>tokenizer.adapter</c> (what an adapter's own tokens stand for is
/// not known) and <c>tokenizer.limit</c> (a bound on work or size was met).
/// </summary>
public sealed class TokenizerException : SLoraException
{
    /// <summary>Creates the error.</summary>
    /// <param name="code">One of the codes above.</param>
    /// <param name="message">One sentence that names the offending value.</param>
    /// <param name="innerException">What caused it, if another error did.</param>
    public TokenizerException(string code, string message, Exception? innerException = null)
        : base(code, CategoryOf(code), message, innerException)
    {
    }

    internal static TokenizerException Format(string message, Exception? inner = null) => new("tokenizer.format", message, inner);

    internal static TokenizerException Unsupported(string message) => new("tokenizer.unsupported", message);

    internal static TokenizerException Unknown(string message) => new("tokenizer.unknown", message);

    internal static TokenizerException Limit(string message) => new("tokenizer.limit", message);

    /// <summary>A text and an adapter are their caller's matter, the files of the model's tokenizer are the server's.</summary>
    private static ErrorCategory CategoryOf(string code) =>
        code is "tokenizer.unknown" or "tokenizer.limit" or "tokenizer.adapter" ? ErrorCategory.Caller : ErrorCategory.Server;
}
