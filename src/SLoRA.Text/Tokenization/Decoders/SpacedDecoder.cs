namespace SLoRA.Text.Tokenization.Decoders;

/// <summary>What happens without a decoder: tokens are joined with spaces.</summary>
internal sealed class SpacedDecoder : TokenDecoder
{
    public override DecoderStage CreateStage(DecoderStage next, bool streaming) => new Stage(next);

    private sealed class Stage(DecoderStage next) : DecoderStage
    {
        private bool _any;

        public override void Push(ReadOnlySpan<char> text, TokenPart part)
        {
            if (_any && (part & TokenPart.Begin) != 0)
            {
                next.Push(" ", TokenPart.Whole);
            }

            _any = true;
            next.Push(text, part);
        }

        public override void Finish() => next.Finish();
    }
}
