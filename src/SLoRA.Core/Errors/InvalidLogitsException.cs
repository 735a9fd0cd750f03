namespace SLoRA;

/// <summary>
/// No token can be chosen from the logits of a request: one of them is not a number or is positive infinity, or all of them are negative
/// infinity.
/// </summary>
/// <remarks>
/// The cause is the model, the adapter, or a request whose bias, penalties or <see cref="ILogitsHook"/> leave nothing to choose from.
/// It ends that request only; no token is published in its place.
/// </remarks>
public sealed class InvalidLogitsException : SLoraException
{
    /// <summary>Creates the error; its <see cref="SLoraException.Code"/> is <c>sampling.invalid-logits</c>.</summary>
    /// <param name="message">One sentence that names the token and its logit.</param>
    public InvalidLogitsException(string message)
        : base("sampling.invalid-logits", ErrorCategory.Server, message)
    {
    }
}
