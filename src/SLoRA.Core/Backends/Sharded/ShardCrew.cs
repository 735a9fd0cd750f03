namespace SLoRA.Backends.Sharded;

/// <summary>
/// The threads of several shards, which do one list of operations, each its own part of every one; the caller's own thread is that of
/// shard 0. A shard that fails calls the meeting off, so that no other waits for it; all come to rest, and the caller gets one error that
/// names it. Then every further operation gives the same error.
/// </summary>
internal sealed class ShardCrew : IDisposable
{
    private readonly IBackend[] _shards;
    private readonly Meeting _meeting;
    private readonly Action<int, ShardCommand> _execute;
    private readonly ShardLine _line = new();
    private readonly ShardThread[] _threads;
    private ShardFailedException? _failure;

    /// <summary>Starts the threads.</summary>
    /// <param name="shards">The shards.</param>
    /// <param name="meeting">Where they meet.</param>
    /// <param name="execute">Does a shard's part of an operation, on the shard's thread.</param>
    public ShardCrew(IBackend[] shards, Meeting meeting, Action<int, ShardCommand> execute)
    {
        _shards = shards;
        _meeting = meeting;
        _execute = execute;
        _threads = new ShardThread[shards.Length - 1];
        int started = 0;
        try
        {
            for (; started < _threads.Length; started++)
            {
                int shard = started + 1;
                _threads[started] = new ShardThread(_line, shard, command => TryExecute(shard, command));
            }
        }
        catch
        {
            // The system refuses one: those before it must not stay.
            EndThreads(started);
            throw;
        }
    }

    /// <summary>Hands an operation to the other shards and does this thread's own part of it.</summary>
    /// <exception cref="ShardFailedException">A shard has failed, now or before.</exception>
    public void Do(in ShardCommand command)
    {
        ThrowIfFailed();
        AwaitPlace();
        _line.Post(command);
        TryExecute(0, command);
        if (Volatile.Read(ref _failure) is not null)
        {
            AwaitRest();
        }
    }

    /// <summary>Waits until every shard has done everything.</summary>
    /// <exception cref="ShardFailedException">A shard has failed.</exception>
    public void AwaitRest()
    {
        foreach (ShardThread thread in _threads)
        {
            for (int spins = 0; thread.Done < _line.Posted; spins++)
            {
                if (spins < 1000)
                {
                    Thread.SpinWait(4);
                }
                else
                {
                    Thread.Yield();
                }
            }
        }

        ThrowIfFailed();
    }

    /// <summary>Ends the threads.</summary>
    public void Dispose()
    {
        _meeting.CallOff();
        EndThreads(_threads.Length);
    }

    private void EndThreads(int count)
    {
        _line.Close();
        foreach (ShardThread thread in _threads.AsSpan(0, count))
        {
            thread.Join();
        }
    }

    private void ThrowIfFailed()
    {
        if (Volatile.Read(ref _failure) is { } failure)
        {
            throw failure.Repeat();
        }
    }

    /// <summary>Waits until the slowest shard has done what stands in the place of the next operation.</summary>
    private void AwaitPlace()
    {
        foreach (ShardThread thread in _threads)
        {
            while (_line.Posted - thread.Done >= ShardLine.Capacity)
            {
                Thread.Yield();
            }
        }
    }

    /// <summary>Does a shard's part of an operation, unless one has failed. Called on the shard's thread; does not throw.</summary>
    private void TryExecute(int shard, in ShardCommand command)
    {
        if (Volatile.Read(ref _failure) is not null)
        {
            return;
        }

        try
        {
            _execute(shard, command);
        }
        catch (CalledOffException)
        {
            // Who has failed says so itself.
        }
        catch (Exception error)
        {
            Exception cause = _shards[shard].FaultOf(error) ?? error;
            Interlocked.CompareExchange(ref _failure, new ShardFailedException(shard, command.Operation.ToString(), cause), null);
            _meeting.Fail();
        }
    }
}
