namespace SLoRA.Text.Tokenization.Decoders;

/// <summary>Sequence: each decoder works on the tokens of the one before.</summary>
internal sealed class SequenceDecoder(IReadOnlyList<TokenDecoder> decoders) : TokenDecoder
{
    public override DecoderStage CreateStage(DecoderStage next, bool streaming)
    {
        for (int i = decoders.Count - 1; i >= 0; i--)
        {
            next = decoders[i].CreateStage(next, streaming);
        }

        return next;
    }

    public override byte[]? BytesOf(string token) =>
        decoders.Select(decoder => decoder.BytesOf(token)).FirstOrDefault(bytes => bytes is not null);
}
