namespace SLoRA.Text.Tokenization.Decoders;

/// <summary>
/// One step of one decoding. It takes tokens in order and passes on whatever is certain, at once; what later tokens could still change
/// it holds back. Decoding a list of ids at once and streaming them run through the same stages.
/// </summary>
internal abstract class DecoderStage
{
    /// <summary>Takes a token or a part of one.</summary>
    public abstract void Push(ReadOnlySpan<char> text, TokenPart part);

    /// <summary>No token follows: passes on what was held back.</summary>
    public abstract void Finish();
}
