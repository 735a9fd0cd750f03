namespace SLoRA.Text.Tokenization.Models;

/// <summary>What a BPE model's section says beside vocabulary and merges. Empty affixes count as none.</summary>
internal sealed record BpeOptions
{
    public string? UnknownToken { get; init; }

    public string? ContinuingPrefix { get; init; }

    public string? EndOfWordSuffix { get; init; }

    public bool FuseUnknown { get; init; }

    public bool ByteFallback { get; init; }

    public bool IgnoreMerges { get; init; }
}
