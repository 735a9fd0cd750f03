namespace SLoRA.Engine;

/// <summary>
/// The streams that have been handed in and have not ended. The engine's books say who waits and who runs; this says who is owed an end,
/// whatever has become of the books when the engine fails in the midst of changing them. Thread-safe.
/// </summary>
internal sealed class OpenStreams
{
    private readonly Lock _gate = new();
    private readonly HashSet<GenerationStream> _streams = [];
    private TaskCompletionSource? _drained;

    /// <summary>Streams that are owed an end.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _streams.Count;
            }
        }
    }

    /// <summary>A stream is handed in.</summary>
    /// <exception cref="EngineDrainingException">No more are taken.</exception>
    public void Add(GenerationStream stream)
    {
        lock (_gate)
        {
            if (_drained is not null)
            {
                throw new EngineDrainingException();
            }

            _streams.Add(stream);
        }
    }

    /// <summary>A stream has ended, or was not taken.</summary>
    public void Remove(GenerationStream stream)
    {
        lock (_gate)
        {
            _streams.Remove(stream);
            EndDrain();
        }
    }

    /// <summary>Takes no more.</summary>
    /// <returns>Ends when the last of those that were taken has ended.</returns>
    public Task DrainAsync()
    {
        lock (_gate)
        {
            _drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            EndDrain();
            return _drained.Task;
        }
    }

    private void EndDrain()
    {
        if (_streams.Count == 0)
        {
            _drained?.TrySetResult();
        }
    }

    /// <summary>Ends those that are left: the engine has ended, and will not come back to them.</summary>
    public void EndAll(FinishReason reason, Exception error)
    {
        GenerationStream[] left;
        lock (_gate)
        {
            left = [.. _streams];
        }

        foreach (GenerationStream stream in left)
        {
            stream.EndUnserved(reason, error);
        }
    }
}
