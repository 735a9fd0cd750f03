using System.Diagnostics.CodeAnalysis;

namespace SLoRA.Engine;

/// <summary>
/// What callers tell the engine's thread. Commands take effect in the order in which they are posted, between steps; of a flood so many
/// between two steps that those who run do not stand still for it. They are taken out one by one, so that one that fails loses none behind
/// it.
/// </summary>
internal sealed class Inbox
{
    /// <summary>The most commands between two steps.</summary>
    public const int Batch = 1024;

    private readonly Lock _gate = new();
    private readonly AutoResetEvent _posted = new(false);
    private readonly Queue<EngineCommand> _incoming = [];
    private readonly Queue<EngineCommand> _batch = [];
    private bool _closed;

    /// <summary>Posts a command from any thread.</summary>
    /// <returns>False when the engine takes no more.</returns>
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

    /// <summary>
    /// Begins a batch of what was posted first, behind what is left of the last one: what is posted from here on comes next time, so that
    /// posting cannot hold up a step for ever. Engine's thread only.
    /// </summary>
    public void BeginBatch() => Fill(Batch);

    /// <summary>Takes the next command of the batch. Engine's thread only.</summary>
    public bool TryTake([NotNullWhen(true)] out EngineCommand? command) => _batch.TryDequeue(out command);

    /// <summary>Refuses what comes later; what is left is the batch. Engine's thread only.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
        }

        Fill(int.MaxValue);
    }

    /// <summary>Blocks the engine's thread until there is a command.</summary>
    public void Wait() => _posted.WaitOne();

    private void Fill(int most)
    {
        lock (_gate)
        {
            while (_batch.Count < most && _incoming.TryDequeue(out EngineCommand? command))
            {
                _batch.Enqueue(command);
            }

            if (_incoming.Count > 0)
            {
                _posted.Set();
            }
        }
    }
}
