namespace SLoRA.Adapters.Resident;

/// <summary>What a load of content waits for.</summary>
internal enum ContentLoadState
{
    /// <summary>It reads, or is about to.</summary>
    Reads,

    /// <summary>It waits for the answer of the adapter source, without a thread.</summary>
    Asks,

    /// <summary>It has got nothing for a while.</summary>
    Rests,

    /// <summary>It has ended.</summary>
    Ended,
}
