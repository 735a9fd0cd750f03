using System.Diagnostics;

namespace SLoRA.Backends.Sharded;

/// <summary>
/// Where shards in one process meet: each shows what it brings and waits until all have come. Without a lock: who waits spins for some
/// microseconds, gives way, and at last parks.
/// </summary>
/// <param name="shards">Shards.</param>
internal sealed class Meeting(int shards)
{
    private static readonly long SpinTicks = Stopwatch.Frequency * 10 / 1_000_000;
    private static readonly long YieldTicks = Stopwatch.Frequency * 200 / 1_000_000;

    private readonly Exchange[][] _brought = [new Exchange[shards], new Exchange[shards]];
    private readonly object _park = new();
    private long _arrived;
    private long _held;
    private int _parked;
    private Action? _failed;
    private volatile bool _isCalledOff;

    /// <summary>Shards.</summary>
    public int Shards => shards;

    /// <summary>
    /// Ends whatever else shards may wait for that a failed one would have sent; called once at most, on the thread of who has failed, and
    /// does not throw.
    /// </summary>
    public Action? Failed { set => _failed = value; }

    /// <summary>Brings something and waits for what the others bring.</summary>
    /// <param name="shard">Who comes.</param>
    /// <param name="number">How many meetings it has come to before.</param>
    /// <param name="own">What it brings; others read it until they come to the next meeting.</param>
    /// <returns>What all bring, by shard; until the meeting after the next.</returns>
    /// <exception cref="CalledOffException">A shard has failed and will not come.</exception>
    public ReadOnlySpan<Exchange> Meet(int shard, long number, Exchange own)
    {
        Exchange[] brought = _brought[number & 1];
        brought[shard] = own;
        if (Interlocked.Increment(ref _arrived) == shards * (number + 1))
        {
            Interlocked.Exchange(ref _held, number + 1);
            WakeUp();
        }
        else
        {
            Await(number);
        }

        return _isCalledOff ? throw new CalledOffException() : brought;
    }

    /// <summary>A shard has failed: nobody waits any longer, here or elsewhere.</summary>
    public void Fail()
    {
        CallOff();
        Interlocked.Exchange(ref _failed, null)?.Invoke();
    }

    /// <summary>Nobody waits here any longer, now or later.</summary>
    public void CallOff()
    {
        _isCalledOff = true;
        lock (_park)
        {
            Monitor.PulseAll(_park);
        }
    }

    private void WakeUp()
    {
        if (Volatile.Read(ref _parked) > 0)
        {
            lock (_park)
            {
                Monitor.PulseAll(_park);
            }
        }
    }

    private void Await(long number)
    {
        long start = Stopwatch.GetTimestamp();
        while (!IsOver(number))
        {
            long waited = Stopwatch.GetTimestamp() - start;
            if (waited < SpinTicks)
            {
                Thread.SpinWait(4);
            }
            else if (waited < YieldTicks)
            {
                Thread.Yield();
            }
            else
            {
                Park(number);
            }
        }
    }

    /// <summary>The count goes up before the last look; who comes last looks at the count after showing that all are there.</summary>
    private void Park(long number)
    {
        lock (_park)
        {
            Interlocked.Increment(ref _parked);
            while (!IsOver(number))
            {
                Monitor.Wait(_park);
            }

            Interlocked.Decrement(ref _parked);
        }
    }

    private bool IsOver(long number) => Volatile.Read(ref _held) > number || _isCalledOff;
}

/// <summary>Another shard has failed, so that a meeting did not take place.</summary>
internal sealed class CalledOffException : Exception
{
    /// <summary>Creates the error.</summary>
    public CalledOffException()
        : base("Another shard has failed.")
    {
    }
}
