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

    /// <summary>A product with the matrix of one expert: for the rows that have chosen it.</summary>
    Expert,

    /// <summary>
    /// Several products of one expert that lie side by side, as a parameter of all experts has them. Only adapters on that parameter reach
    /// it.
    /// </summary>
    FusedExpert,

    /// <summary>A head of a module, as attention over latents uses it. No adapter reaches it by itself.</summary>
    HeadView,

    /// <summary>A convolution, which adapters cannot change: the reference takes its base weight past them.</summary>
    Convolution,

    /// <summary>A norm: never the target of LoRA, but an adapter may have its own weight in its place.</summary>
    Norm,
}
