namespace SLoRA;

/// <summary>Main memory for weights, page pool or working memory cannot be had. Nothing of the engine is left.</summary>
public sealed class MemoryException : SLoraException
{
    /// <summary>Creates the error; its <see cref="SLoraException.Code"/> is <c>memory.insufficient</c>.</summary>
    /// <param name="option">The option that makes what is asked for smaller, such as <c>Pool.Bytes</c>.</param>
    /// <param name="required">Bytes asked for.</param>
    /// <param name="message">One sentence that names what is asked for, what there is, and the option.</param>
    /// <param name="innerException">The system's refusal, if it was asked.</param>
    public MemoryException(string option, long required, string message, Exception? innerException = null)
        : base("memory.insufficient", ErrorCategory.Capacity, message, innerException)
    {
        Option = option;
        Required = required;
    }

    /// <summary>The option that makes what is asked for smaller, such as <c>Pool.Bytes</c>.</summary>
    public string Option { get; }

    /// <summary>Bytes asked for at once.</summary>
    public long Required { get; }
}
