namespace SLoRA;

/// <summary>An engine is described by a value that cannot be. Nothing has been loaded.</summary>
public sealed class InvalidOptionException : SLoraException
{
    /// <summary>Creates the error; its <see cref="SLoraException.Code"/> is <c>options.invalid</c>.</summary>
    /// <param name="option">The option, such as <c>Pool.PageTokens</c>.</param>
    /// <param name="message">One sentence that names the offending value and what is allowed.</param>
    public InvalidOptionException(string option, string message)
        : base("options.invalid", ErrorCategory.Caller, message)
    {
        Option = option;
    }

    /// <summary>The option, such as <c>Pool.PageTokens</c>.</summary>
    public string Option { get; }
}
