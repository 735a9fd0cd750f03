namespace SLoRA;

/// <summary>Why a request ended.</summary>
public enum FinishReason
{
    /// <summary>The model produced a stop token: one of the request's own, or one that ends a text for this model.</summary>
    StopToken,

    /// <summary>The text contained one of the request's stop strings.</summary>
    StopString,

    /// <summary>The request's <see cref="IStopCondition"/> was met, and it is none for stop strings.</summary>
    StopCondition,

    /// <summary>The request reached its limit of tokens, or the model its context length.</summary>
    Length,

    /// <summary>The caller cancelled the request or abandoned its enumeration.</summary>
    Cancelled,

    /// <summary>The request did not end within its <see cref="GenerationOptions.Deadline"/>.</summary>
    Deadline,

    /// <summary>The request failed with a typed error.</summary>
    Failed,

    /// <summary>The engine was disposed while the request was waiting or running.</summary>
    Disposed,

    /// <summary>
    /// The request could no longer have its first token within its <see cref="GenerationOptions.FirstTokenTarget"/>, and never ran.
    /// </summary>
    FirstTokenTarget,
}
