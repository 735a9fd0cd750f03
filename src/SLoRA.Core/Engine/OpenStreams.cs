namespace SLoRA.Engine;

/// <summary>
/// The streams that have been handed in and have not ended. The engine's books say who waits and who runs; this says who is owed an end,
/// whatever has become of the books when the engine fails in the midst of changing them. Thread-safe.
/// </summary>
internal sealed class OpenStreams
{
    private readonly Lock _gate = new();
    private readonly HashSet<GenerationStream> _streams = [];

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
    public void Add(GenerationStream stream)
    {
        lock (_gate)
        {
            _streams.Add(stream);
        }
    }

    /// <summary>A stream has ended, or was not taken.</summary>
    public void Remove(GenerationStream stream)
    {
        lock (_gate)
        {
            _streams.Remove(stream);
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
