namespace SLoRA.Engine;

/// <summary>What callers tell the engine's thread. Commands take effect in the order in which they are posted, between steps.</summary>
internal sealed class Inbox
{
    private readonly Lock _gate = new();
    private readonly AutoResetEvent _posted = new(false);
    private List<EngineCommand> _incoming = [];
    private List<EngineCommand> _draining = [];
    private bool _closed;

    /// <summary>Posts a command from any thread.</summary>
    /// <returns>False when the inbox is closed: the command will not be seen.</returns>
    public bool TryPost(EngineCommand command)
    {
        lock (_gate)
        {
            if (_closed)
            {
                return false;
            }

            _incoming.Add(command);
        }

        _posted.Set();
        return true;
    }

    /// <summary>Takes everything posted so far. The list is valid until the next call. Engine's thread only.</summary>
    public List<EngineCommand> Drain()
    {
        _draining.Clear();
        lock (_gate)
        {
            (_incoming, _draining) = (_draining, _incoming);
        }

        return _draining;
    }

    /// <summary>Takes everything posted so far and refuses what comes later.</summary>
    public List<EngineCommand> Close()
    {
        lock (_gate)
        {
            _closed = true;
        }

        return Drain();
    }

    /// <summary>Blocks the engine's thread until something is posted.</summary>
    public void Wait() => _posted.WaitOne();
}
