namespace SLoRA.Evaluation.Systems;

/// <summary>What serves: the engine as it is, and what it is compared with, over the same kernels.</summary>
internal enum SystemKind
{
    /// <summary>One pool for adapters, keys and values; every adapter at its own rank, all in one batch.</summary>
    Unified,

    /// <summary>
    /// As <see cref="Slots"/>, and every step copies the adapters of its batch side by side, as a padded batched product wants them.
    /// </summary>
    Padded,

    /// <summary>Memory in two parts, adapters at their own ranks: no unified memory.</summary>
    Regions,

    /// <summary>Memory in two parts, adapters in slots of the largest rank, the one used longest ago goes: as vLLM has it.</summary>
    Slots,

    /// <summary>One adapter at a time, beside the weights.</summary>
    OneAtATime,

    /// <summary>One adapter at a time, merged into the weights whenever it changes.</summary>
    OneMerged,

    /// <summary>A merged copy of the weights for each adapter.</summary>
    MergedCopies,
}
