namespace SLoRA;

/// <summary>
/// A request asks for something that cannot be served: a value out of its range, or one that does not fit the model. Nothing has changed
/// when it is thrown.
/// </summary>
public sealed class InvalidRequestException : SLoraException
{
    /// <summary>Creates the error; its <see cref="SLoraException.Code"/> is <c>request.invalid</c>.</summary>
    /// <param name="parameter">The name of the offending property, such as <c>TopP</c>.</param>
    /// <param name="message">One sentence that names the offending value and what is allowed.</param>
    /// <param name="innerException">What caused it, if another error did.</param>
    public InvalidRequestException(string parameter, string message, Exception? innerException = null)
        : base("request.invalid", ErrorCategory.Caller, message, innerException)
    {
        Parameter = parameter;
    }

    /// <summary>The name of the offending property, such as <c>TopP</c>.</summary>
    public string Parameter { get; }

    /// <summary>Creates the error with a message whose numbers do not depend on the culture.</summary>
    internal static InvalidRequestException For(string parameter, FormattableString message) =>
        new(parameter, FormattableString.Invariant(message));
}
