namespace SLoRA.Step;

/// <summary>How a generation can be used in a request together with others, and with which weight.</summary>
internal enum AdapterMixing
{
    /// <summary>It adds to what the base computes: with any others, with any weight.</summary>
    Free,

    /// <summary>It acts from a place in the prompt on (activated LoRA): alone, with any weight.</summary>
    Alone,

    /// <summary>
    /// It stands in the place of weights of the base (biases, whole modules, tokens), or scales what a module computes, with all that is
    /// added to it (DoRA): alone, with the weight 1.
    /// </summary>
    AloneUnscaled,
}
