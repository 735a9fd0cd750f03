namespace SLoRA.Step;

/// <summary>How a generation can be used in a request together with others, and with which weight.</summary>
internal enum AdapterMixing
{
    /// <summary>It adds to what the base computes: with any others, with any weight.</summary>
    Free,

    /// <summary>It acts from a place in the prompt on (activated LoRA): alone, with any weight.</summary>
    Alone,

    /// <summary>
    /// It scales what the base computes (DoRA): as the first, with the weight 1. What others add to its results is not scaled by it.
    /// </summary>
    FirstUnscaled,

    /// <summary>It stands in the place of weights of the base (biases, whole modules, tokens): alone, with the weight 1.</summary>
    AloneUnscaled,
}
