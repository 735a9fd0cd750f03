using System.Diagnostics.CodeAnalysis;

namespace SLoRA.Engine;

/// <summary>
/// What callers tell the engine's thread. Commands take effect in the order in which they are posted, between steps. They are taken out one by one, so that one that
/// fails loses none behind it.
/// </summary>
internal sealed class Inbox
{
    private readonly Lock _gate = new();
    private readonly AutoResetEvent _posted = new(false);
    private List<EngineCommand> _incoming = [];
    private List<EngineCommand> _batch = [];
    private int _taken;
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

    /// <summary>
    /// Begins a batch of everything posted so far, behind what is left of the last one: what is posted from here on comes next time, so that posting cannot hold up
    /// a step for ever. Engine's thread only.
    /// </summary>
    public void BeginBatch()
    {
        _batch.RemoveRange(0, _taken);
        _taken = 0;
        lock (_gate)
        {
            if (_batch.Count == 0)
            {
                (_incoming, _batch) = (_batch, _incoming);
            }
            else
            {
                _batch.AddRange(_incoming);
                _incoming.Clear();
            }
        }
    }

    /// <summary>Takes the next command of the batch. Engine's thread only.</summary>
    public bool TryTake([NotNullWhen(true)] out EngineCommand? command)
    {
        if (_taken == _batch.Count)
        {
            command = null;
            return false;
        }

        command = _batch[_taken];
        _batch[_taken++] = Wake.Instance;
        return true;
    }

    /// <summary>Refuses what comes later; what is left is the batch. Engine's thread only.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
        }

        BeginBatch();
    }

    /// <summary>Blocks the engine's thread until something is posted.</summary>
    public void Wait() => _posted.WaitOne();
}
