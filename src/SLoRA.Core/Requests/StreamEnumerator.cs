namespace SLoRA;

/// <summary>
/// One consumer's way through a stream. The compiler's own enumerators break, and take the process along, when a second move begins before
/// the first has ended; here that is the consumer's error and nobody else's.
/// </summary>
/// <param name="stream">The stream.</param>
/// <param name="tokens">What it gives.</param>
internal sealed class StreamEnumerator<T>(GenerationStream stream, IAsyncEnumerator<T> tokens) : IAsyncEnumerator<T>
{
    private int _isMoving;
    private int _isDisposed;

    /// <inheritdoc/>
    public T Current => tokens.Current;

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">A move is under way already.</exception>
    public ValueTask<bool> MoveNextAsync()
    {
        if (Volatile.Read(ref _isDisposed) == 1)
        {
            return new ValueTask<bool>(false);
        }

        if (Interlocked.Exchange(ref _isMoving, 1) == 1)
        {
            throw new InvalidOperationException("A stream has one consumer: the next token is being waited for already.");
        }

        ValueTask<bool> moved = tokens.MoveNextAsync();
        if (!moved.IsCompletedSuccessfully)
        {
            return FinishAsync(moved);
        }

        bool result = moved.Result;
        Volatile.Write(ref _isMoving, 0);
        return new ValueTask<bool>(result);
    }

    /// <summary>Ends the request, if it has not ended. A move that is under way ends with it, as cancelled.</summary>
    public ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 1)
        {
            return default;
        }

        if (Interlocked.Exchange(ref _isMoving, 1) == 0)
        {
            return tokens.DisposeAsync();
        }

        stream.Cancel();
        return new ValueTask(stream.Ending);
    }

    private async ValueTask<bool> FinishAsync(ValueTask<bool> moved)
    {
        try
        {
            return await moved.ConfigureAwait(false);
        }
        finally
        {
            Volatile.Write(ref _isMoving, 0);
        }
    }
}
