namespace SLoRA.Engine;

/// <summary>
/// What callers tell the engine's thread. Commands take effect in the order in which they are posted, between steps; of a flood so many between two steps that those who
/// run do not stand still for it.
/// </summary>
internal sealed class Inbox
{
    /// <summary>The most commands between two steps.</summary>
    public const int Batch = 1024;

    private readonly Lock _gate = new();
    private readonly AutoResetEvent _posted = new(false);
    private readonly Queue<EngineCommand> _incoming = [];
    private readonly List<EngineCommand> _draining = [];
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

            _incoming.Enqueue(command);
        }

        _posted.Set();
        return true;
    }

    /// <summary>Takes what was posted first. The list is valid until the next call. Engine's thread only.</summary>
    public List<EngineCommand> Drain() => Drain(Batch);

    /// <summary>Takes everything posted so far and refuses what comes later.</summary>
    public List<EngineCommand> Close()
    {
        lock (_gate)
        {
            _closed = true;
        }

        return Drain(int.MaxValue);
    }

    /// <summary>Blocks the engine's thread until there is a command.</summary>
    public void Wait() => _posted.WaitOne();

    private List<EngineCommand> Drain(int most)
    {
        _draining.Clear();
        lock (_gate)
        {
            while (_draining.Count < most && _incoming.TryDequeue(out EngineCommand? command))
            {
                _draining.Add(command);
            }

            if (_incoming.Count > 0)
            {
                _posted.Set();
            }
        }

        return _draining;
    }
}
