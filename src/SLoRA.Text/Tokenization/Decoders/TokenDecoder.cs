namespace SLoRA.Text.Tokenization.Decoders;

/// <summary>
/// A decoder of tokenizer.json: says how tokens become text. Immutable; the state of one decoding lives in the stages it makes.
/// </summary>
internal abstract class TokenDecoder
{
    /// <summary>Makes the stage that does this decoder's work and hands its tokens to <paramref name="next"/>.</summary>
    /// <param name="next">The stage behind.</param>
    /// <param name="streaming">
    /// Whether text is to be given as soon as it is certain. Only byte fallback differs: a run of bytes that turns out ill-formed becomes
    /// replacement characters as a whole, but a stream has sent its first characters by then.
    /// </param>
    public abstract DecoderStage CreateStage(DecoderStage next, bool streaming);

    /// <summary>The bytes that a token stands for, where it stands for bytes rather than for text; else null.</summary>
    public virtual byte[]? BytesOf(string token) => null;
}
