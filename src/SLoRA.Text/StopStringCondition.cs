namespace SLoRA.Text;

/// <summary>
/// Ends a continuation at the token that completes one of several strings. Give it to the request, and the same strings to the
/// <see cref="TextStream"/> that shows the answer: together no character of a stop string is ever shown and no token is generated behind it. One
/// instance per request; made by <see cref="Tokenizer.CreateStopCondition"/>.
/// </summary>
public sealed class StopStringCondition : IStopCondition
{
    private readonly Func<TextStream> _createStream;
    private readonly List<TextStream> _streams = [];

    internal StopStringCondition(Func<TextStream> createStream) => _createStream = createStream;

    /// <inheritdoc/>
    public bool IsMet(int continuation, int token)
    {
        while (_streams.Count <= continuation)
        {
            _streams.Add(_createStream());
        }

        _streams[continuation].Append(token);
        return _streams[continuation].IsStopped;
    }
}
