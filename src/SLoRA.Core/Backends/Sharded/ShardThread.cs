using System.Diagnostics;

namespace SLoRA.Backends.Sharded;

/// <summary>
/// The thread of one shard: does the operations of <see cref="ShardLine"/> one after another. Between operations it spins for some
/// microseconds, since the next one of a step follows at once, and then parks.
/// </summary>
internal sealed class ShardThread
{
    private static readonly long SpinTicks = Stopwatch.Frequency * 100 / 1_000_000;

    private readonly ShardLine _line;
    private readonly Action<ShardCommand> _execute;
    private readonly Thread _thread;
    private long _done;

    /// <summary>Starts the thread.</summary>
    /// <param name="line">Where operations come from.</param>
    /// <param name="shard">Which shard it is of.</param>
    /// <param name="execute">Does one; must not throw.</param>
    public ShardThread(ShardLine line, int shard, Action<ShardCommand> execute)
    {
        _line = line;
        _execute = execute;
        _thread = new Thread(Run) { IsBackground = true, Name = $"SLoRA shard {shard}" };
        _thread.Start();
    }

    /// <summary>Operations that are done.</summary>
    public long Done => Volatile.Read(ref _done);

    /// <summary>Waits until the thread has ended; the line has been closed.</summary>
    public void Join() => _thread.Join();

    private void Run()
    {
        while (Await())
        {
            _execute(_line[_done]);
            Volatile.Write(ref _done, _done + 1);
        }
    }

    /// <summary>Whether there is another operation; false when there will be none.</summary>
    private bool Await()
    {
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetTimestamp() - start < SpinTicks)
        {
            if (_line.Posted > _done)
            {
                return true;
            }

            if (_line.IsClosed)
            {
                return false;
            }

            Thread.SpinWait(8);
        }

        return _line.Park(_done);
    }
}
