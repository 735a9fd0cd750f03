namespace SLoRA.Text.Tokenization.Decoders;

/// <summary>The last stage: collects the text.</summary>
internal sealed class TextSink : DecoderStage
{
    public CharBuffer Text { get; } = new();

    public override void Push(ReadOnlySpan<char> text, TokenPart part) => Text.Append(text);

    public override void Finish()
    {
    }
}
