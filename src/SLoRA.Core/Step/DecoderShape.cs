using System.Collections.Immutable;

namespace SLoRA.Step;

/// <summary>The sizes of a decoder that a device may have to know before the first step.</summary>
/// <param name="ContextLength">Positions that the model was made for.</param>
/// <param name="VocabularySize">Tokens of the model: columns of the logits that every row has.</param>
/// <param name="Attentions">Every attention that steps will compute.</param>
internal sealed record DecoderShape(int ContextLength, int VocabularySize, ImmutableArray<GroupedAttention> Attentions)
{
    /// <summary>Columns of the logits behind them, for tokens that adapters bring.</summary>
    public int AddedTokens { get; init; }

    /// <summary>Whether steps will compute latent attention.</summary>
    public bool HasLatentAttention { get; init; }

    /// <summary>Whether steps will compute recurrences, or attention whose result is gated.</summary>
    public bool HasRecurrences { get; init; }
}
