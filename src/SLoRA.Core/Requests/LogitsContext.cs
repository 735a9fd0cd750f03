namespace SLoRA;

/// <summary>
/// What an <see cref="ILogitsHook"/> is told about the sequence whose next token is being chosen. It is valid during the call only.
/// </summary>
public readonly ref struct LogitsContext
{
    /// <summary>Creates the context; host programs need this only to test their hooks.</summary>
    /// <param name="prompt">The request's prompt.</param>
    /// <param name="generated">The tokens generated so far.</param>
    /// <param name="continuation">The index of the continuation, from 0.</param>
    public LogitsContext(ReadOnlySpan<int> prompt, ReadOnlySpan<int> generated, int continuation)
    {
        Prompt = prompt;
        Generated = generated;
        Continuation = continuation;
    }

    /// <summary>The request's prompt.</summary>
    public ReadOnlySpan<int> Prompt { get; }

    /// <summary>The tokens generated so far; empty when the first one is being chosen.</summary>
    public ReadOnlySpan<int> Generated { get; }

    /// <summary>Which of the request's continuations this is, from 0.</summary>
    public int Continuation { get; }
}
