namespace SLoRA.Requests;

/// <summary>Where a stream hands its request in, and what it tells whoever serves it. All members may be called by any thread.</summary>
internal interface IRequestPort
{
    /// <summary>Unread tokens at which a sequence pauses.</summary>
    int StreamBuffer { get; }

    /// <summary>Hands a request in.</summary>
    /// <exception cref="EngineBusyException">The queue is full.</exception>
    /// <exception cref="EngineDisposedException">Nobody serves any more.</exception>
    void Submit(GenerationStream stream);

    /// <summary>Ends a request as cancelled; does nothing for one that has ended.</summary>
    void Cancel(GenerationStream stream);

    /// <summary>A stream has been told of its end.</summary>
    void Ended(GenerationStream stream);

    /// <summary>A consumer has caught up: its sequence may have been paused.</summary>
    void WakeUp();
}
