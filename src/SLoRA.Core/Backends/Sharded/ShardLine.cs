namespace SLoRA.Backends.Sharded;

/// <summary>Operations on their way from one thread to the threads of shards, in order, without a lock unless somebody sleeps.</summary>
internal sealed class ShardLine
{
    /// <summary>Operations that the slowest shard may be behind.</summary>
    public const int Capacity = 64;

    private readonly ShardCommand[] _commands = new ShardCommand[Capacity];
    private readonly object _park = new();
    private long _posted;
    private int _parked;
    private volatile bool _isClosed;

    /// <summary>Operations that have been posted.</summary>
    public long Posted => Volatile.Read(ref _posted);

    /// <summary>Whether there will be no more.</summary>
    public bool IsClosed => _isClosed;

    /// <summary>An operation by its number, from 0.</summary>
    public ref readonly ShardCommand this[long number] => ref _commands[number % Capacity];

    /// <summary>Posts the next operation. One thread at a time, and only when all shards have done the one in its place.</summary>
    public void Post(in ShardCommand command)
    {
        _commands[_posted % Capacity] = command;
        Interlocked.Exchange(ref _posted, _posted + 1);
        if (Volatile.Read(ref _parked) > 0)
        {
            lock (_park)
            {
                Monitor.PulseAll(_park);
            }
        }
    }

    /// <summary>No operation follows; sleepers wake up.</summary>
    public void Close()
    {
        _isClosed = true;
        lock (_park)
        {
            Monitor.PulseAll(_park);
        }
    }

    /// <summary>Sleeps until more than so many operations are posted, or the line is closed: false then.</summary>
    public bool Park(long done)
    {
        // The count goes up before the last look, and who posts looks at the count after it has posted.
        lock (_park)
        {
            Interlocked.Increment(ref _parked);
            while (Posted <= done && !_isClosed)
            {
                Monitor.Wait(_park);
            }

            Interlocked.Decrement(ref _parked);
        }

        return Posted > done;
    }
}
