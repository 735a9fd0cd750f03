namespace SLoRA.Text.Tokenization.Decoders;

/// <summary>Fuse: all tokens become one.</summary>
internal sealed class FuseDecoder : TokenDecoder
{
    public override DecoderStage CreateStage(DecoderStage next, bool streaming) => new Stage(next);

    private sealed class Stage(DecoderStage next) : DecoderStage
    {
        private bool _begun;

        public override void Push(ReadOnlySpan<char> text, TokenPart part)
        {
            if (text.IsEmpty)
            {
                return;
            }

            next.Push(text, _begun ? TokenPart.Middle : TokenPart.Begin);
            _begun = true;
        }

        public override void Finish()
        {
            next.Push("", _begun ? TokenPart.End : TokenPart.Whole);
            next.Finish();
        }
    }
}
