namespace SLoRA.Text;

/// <summary>
/// A chat template that cannot be parsed or rendered. Codes: <c>template.syntax</c> (not a template), <c>template.raised</c> (the template
/// itself called <c>raise_exception</c>; the message is the template's), <c>template.undefined</c> (an undefined value was used),
/// <c>template.security</c> (the sandbox forbids it), <c>template.limit</c> (steps, memory, output or nesting ran out),
/// <c>template.input</c> (the conversation is no JSON that a template could read), <c>template.runtime</c> (any other error while
/// rendering), <c>template.missing</c> (a folder holds no such template).
/// </summary>
public sealed class ChatTemplateException : SLoraException
{
    /// <summary>Creates the error.</summary>
    /// <param name="code">One of the codes above.</param>
    /// <param name="message">One sentence that names the offending value.</param>
    /// <param name="line">The 1-based line of the template, 0 where none is known.</param>
    /// <param name="innerException">What caused it, if another error did.</param>
    public ChatTemplateException(string code, string message, int line = 0, Exception? innerException = null)
        : base(
            code,
            CategoryOf(code),
            line > 0 && code != "template.raised" ? $"{message} (line {line} of the chat template)" : message,
            innerException)
    {
        Line = line;
    }

    /// <summary>The 1-based line of the template where it happened, 0 where none is known.</summary>
    public int Line { get; }

    /// <summary>
    /// What a conversation makes a template refuse is its caller's matter; a template that cannot be served is the server's.
    /// </summary>
    private static ErrorCategory CategoryOf(string code) =>
        code is "template.input" or "template.raised" or "template.limit" ? ErrorCategory.Caller : ErrorCategory.Server;
}
