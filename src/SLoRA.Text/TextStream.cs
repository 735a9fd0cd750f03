using SLoRA.Text.Tokenization;

namespace SLoRA.Text;

/// <summary>
/// Decodes ids one by one. Each piece is all text that is certain by then: never half a character, and never the start of a stop string.
/// Allocates nothing per token once its buffers have met the longest piece. Not safe for several threads at once.
/// </summary>
public sealed class TextStream
{
    private readonly StreamDecoder _shown;
    private readonly StreamDecoder? _watched;
    private readonly StopFilter? _filter;
    private bool _finished;

    /// <param name="shown">Decodes what is given.</param>
    /// <param name="watched">Decodes what is watched for stop strings; null where that is what is given.</param>
    /// <param name="stops">The strings to stop at.</param>
    internal TextStream(StreamDecoder shown, StreamDecoder? watched, StopStrings stops)
    {
        _shown = shown;
        _watched = watched;
        _filter = stops.Longest > 0 ? new StopFilter(stops) : null;
    }

    /// <summary>Whether a stop string was met. Nothing more is given then.</summary>
    public bool IsStopped => StopString is not null;

    /// <summary>The stop string that was met, or null.</summary>
    public string? StopString => _filter?.Met;

    /// <summary>Takes the next id.</summary>
    /// <returns>The text that is certain now and was not before, often none. Valid until the next call.</returns>
    /// <exception cref="InvalidOperationException">The stream was finished.</exception>
    public ReadOnlySpan<char> Append(int id)
    {
        if (_finished)
        {
            throw new InvalidOperationException("The stream was finished; a new one is needed for more tokens.");
        }

        if (IsStopped)
        {
            return default;
        }

        ReadOnlySpan<char> shown = _shown.Append(id);
        return _filter is null ? shown : _filter.Filter(_watched is null ? shown : _watched.Append(id), shown);
    }

    /// <summary>No id follows: gives what was held back. An unfinished character becomes U+FFFD.</summary>
    /// <returns>The rest of the text, often none. Valid as long as the stream.</returns>
    public ReadOnlySpan<char> Finish()
    {
        if (_finished || IsStopped)
        {
            return default;
        }

        _finished = true;
        ReadOnlySpan<char> shown = _shown.Finish();
        return _filter is null ? shown : _filter.FilterLast(_watched is null ? shown : _watched.Finish(), shown);
    }
}
