namespace SLoRA.Text.Tokenization.Decoders;

/// <summary>The base of stages that need a token whole: parts are collected until the token ends.</summary>
internal abstract class WholeTokenStage(DecoderStage next) : DecoderStage
{
    private readonly CharBuffer _parts = new();

    protected DecoderStage Next { get; } = next;

    public sealed override void Push(ReadOnlySpan<char> text, TokenPart part)
    {
        if (part == TokenPart.Whole)
        {
            Token(text);
            return;
        }

        if ((part & TokenPart.Begin) != 0)
        {
            _parts.Clear();
        }

        _parts.Append(text);
        if ((part & TokenPart.End) != 0)
        {
            Token(_parts.Span);
        }
    }

    public override void Finish() => Next.Finish();

    protected abstract void Token(ReadOnlySpan<char> token);
}
