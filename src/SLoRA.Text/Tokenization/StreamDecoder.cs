using SLoRA.Text.Tokenization.Decoders;

namespace SLoRA.Text.Tokenization;

/// <summary>The way from ids to the text that is certain, for one stream.</summary>
internal sealed class StreamDecoder
{
    private readonly TokenTexts _tokens;
    private readonly DecoderStage _first;
    private readonly TextSink _sink = new();

    /// <param name="decoder">The tokenizer's decoder.</param>
    /// <param name="tokens">Makes what hands tokens to a first stage.</param>
    /// <param name="context">The ids that came before; their own text is not given.</param>
    public StreamDecoder(TokenDecoder decoder, Func<DecoderStage, TokenTexts> tokens, ReadOnlySpan<int> context)
    {
        _first = decoder.CreateStage(_sink, streaming: true);
        _tokens = tokens(_first);
        foreach (int id in _tokens.Settling(context))
        {
            _tokens.Push(id);
            _sink.Text.Clear();
        }
    }

    /// <summary>Takes the next id, gives the text that has become certain. Valid until the next call.</summary>
    public ReadOnlySpan<char> Append(int id)
    {
        _sink.Text.Clear();
        _tokens.Push(id);
        return _sink.Text.Span;
    }

    /// <summary>Gives what was held back.</summary>
    public ReadOnlySpan<char> Finish()
    {
        _sink.Text.Clear();
        _first.Finish();
        return _sink.Text.Span;
    }
}
