namespace SLoRA;

/// <summary>
/// What ties a stream to whoever enumerates it: the request is cancelled when one of the consumer's tokens is, and when the enumerator is
/// dropped without having been disposed. Only the garbage collector sees that, so it is noticed late; but a pending wait keeps the
/// enumerator alive, so it is never noticed wrongly.
/// </summary>
internal sealed class StreamConsumer : IDisposable
{
    private readonly GenerationStream _stream;
    private readonly CancellationTokenRegistration _request;
    private readonly CancellationTokenRegistration _enumeration;

    /// <summary>Ties a stream that has been handed in.</summary>
    /// <param name="stream">Its request is cancelled.</param>
    /// <param name="request">The token that the request was given.</param>
    /// <param name="enumeration">The token that the enumeration was given.</param>
    public StreamConsumer(GenerationStream stream, CancellationToken request, CancellationToken enumeration)
    {
        // The registrations name the stream and not this: a token that lives long must not keep a consumer alive that has gone.
        _stream = stream;
        _request = request.UnsafeRegister(static stream => ((GenerationStream)stream!).Cancel(), stream);
        _enumeration = enumeration.UnsafeRegister(static stream => ((GenerationStream)stream!).Cancel(), stream);
    }

    /// <summary>The enumerator is gone.</summary>
    ~StreamConsumer()
    {
        try
        {
            Unregister();
            _stream.Cancel();
        }
        catch (Exception)
        {
            // The engine went in the same collection: there is nothing to cancel.
        }
    }

    /// <summary>The enumeration has ended.</summary>
    public void Dispose()
    {
        Unregister();
        GC.SuppressFinalize(this);
    }

    private void Unregister()
    {
        _request.Unregister();
        _enumeration.Unregister();
    }
}
