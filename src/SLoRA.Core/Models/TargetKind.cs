namespace SLoRA.Models;

/// <summary>How a module that adapters can target computes.</summary>
internal enum TargetKind
{
    /// <summary>A product with a matrix, per layer.</summary>
    Linear,

    /// <summary>The look-up of input tokens.</summary>
    Embedding,

    /// <summary>The product that gives the logits.</summary>
    Head,

    /// <summary>A convolution, which adapters cannot change: the reference takes its base weight past them.</summary>
    Convolution,

    /// <summary>A norm: never the target of LoRA, but an adapter may have its own weight in its place.</summary>
    Norm,
}
