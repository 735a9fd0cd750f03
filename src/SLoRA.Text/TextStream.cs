using SLoRA.Text.Tokenization;
using SLoRA.Text.Tokenization.Decoders;

namespace SLoRA.Text;

/// <summary>
/// Decodes ids one by one. Each piece is all text that is certain by then: never half a character, and never the start of a stop string.
/// Allocates nothing per token once its buffers have met the longest piece. Not safe for several threads at once.
/// </summary>
public sealed class TextStream
{
    private readonly TokenTexts _tokens;
    private readonly DecoderStage _first;
    private readonly TextSink _sink;
    private readonly StopStrings _stops;
    private bool _finished;

    internal TextStream(TokenTexts tokens, DecoderStage first, TextSink sink, StopStrings stops)
    {
        _tokens = tokens;
        _first = first;
        _sink = sink;
        _stops = stops;
    }

    /// <summary>Whether a stop string was met. Nothing more is given then.</summary>
    public bool IsStopped => _stops.Met is not null;

    /// <summary>The stop string that was met, or null.</summary>
    public string? StopString => _stops.Met;

    /// <summary>Takes the next id.</summary>
    /// <returns>The text that is certain now and was not before, often none. Valid until the next call.</returns>
    /// <exception cref="InvalidOperationException">The stream was finished.</exception>
    public ReadOnlySpan<char> Append(int id)
    {
        if (_finished) throw new InvalidOperationException("The stream was finished; a new one is needed for more tokens.");
        if (IsStopped) return default;
        _sink.Text.Clear();
        _tokens.Push(id);
        return _stops.Filter(_sink.Text.Span);
    }

    /// <summary>No id follows: gives what was held back. An unfinished character becomes U+FFFD.</summary>
    /// <returns>The rest of the text, often none. Valid as long as the stream.</returns>
    public ReadOnlySpan<char> Finish()
    {
        if (_finished || IsStopped) return default;
        _finished = true;
        _sink.Text.Clear();
        _first.Finish();
        return _stops.FilterLast(_sink.Text.Span);
    }
}
