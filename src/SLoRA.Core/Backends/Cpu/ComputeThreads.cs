using System.Diagnostics;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// A fixed set of threads that run the parts of one <see cref="ComputeJob"/> at a time, the caller among them. Between jobs the others
/// spin for some microseconds, since the next operation of a step follows at once, and then park.
/// </summary>
/// <remarks>
/// A ticket counts the parts down: whoever decrements it to n ≥ 0 owns part n. The job is complete when every part is finished, so a
/// thread that wakes late costs nothing. The ticket carries the job's number in its upper half: a late decrement meets either the
/// exhausted ticket of the old job or a part of the new one, never a mixture.
/// </remarks>
internal sealed class ComputeThreads : IDisposable
{
    private const long Bias = 1L << 30;
    private static readonly long SpinTicks = Stopwatch.Frequency * 100 / 1_000_000;

    private readonly Thread[] _threads;
    private readonly object _park = new();
    private ComputeJob? _job;
    private Shared _shared = new() { Ticket = Bias };
    private int _parked;
    private volatile bool _stop;
    private Exception? _failure;

    /// <summary>Starts the threads.</summary>
    /// <param name="count">Threads including the caller's own, at least 1.</param>
    /// <param name="placement">Where they run; null for anywhere. The caller sees to its own.</param>
    public ComputeThreads(int count, ThreadPlacement? placement = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        Count = count;
        _threads = new Thread[count - 1];
        int started = 0;
        try
        {
            for (; started < _threads.Length; started++)
            {
                int worker = started + 1;
                _threads[started] = new Thread(() => Work(worker, placement)) { IsBackground = true, Name = $"SLoRA compute {worker}" };
                _threads[started].Start();
            }
        }
        catch
        {
            // The system refuses one: those before it must not stay.
            Array.Resize(ref _threads, started);
            Dispose();
            throw;
        }
    }

    /// <summary>Threads that share a job, the caller's included.</summary>
    public int Count { get; }

    /// <summary>Runs all parts of a job and returns when every part is done. One caller at a time.</summary>
    /// <exception cref="Exception">The first exception that a part threw, after all parts ended.</exception>
    public void Run(ComputeJob job, int parts)
    {
        ObjectDisposedException.ThrowIf(_stop, this);
        if (parts == 1 || Count == 1)
        {
            // The order of the tickets.
            for (int part = parts - 1; part >= 0; part--)
            {
                job.Execute(part, 0);
            }

            return;
        }

        if (parts <= 0)
        {
            return;
        }

        _job = job;
        Volatile.Write(ref _shared.Unfinished, parts);
        long number = (Volatile.Read(ref _shared.Ticket) >> 32) + 1;
        Interlocked.Exchange(ref _shared.Ticket, (number << 32) + Bias + parts);
        if (Volatile.Read(ref _parked) > 0)
        {
            lock (_park)
            {
                Monitor.PulseAll(_park);
            }
        }

        TakeParts(0);
        AwaitOthers();
        _job = null;
        if (_failure is { } failure)
        {
            _failure = null;
            ExceptionDispatchInfo.Throw(failure);
        }
    }

    /// <summary>Ends the threads and waits for them.</summary>
    public void Dispose()
    {
        _stop = true;
        lock (_park)
        {
            Monitor.PulseAll(_park);
        }

        foreach (Thread thread in _threads)
        {
            thread.Join();
        }
    }

    /// <summary>
    /// Waits for the parts of others: spinning, as they end within microseconds, and then giving way, as their threads may need this
    /// processor.
    /// </summary>
    private void AwaitOthers()
    {
        long start = Stopwatch.GetTimestamp();
        while (Volatile.Read(ref _shared.Unfinished) > 0)
        {
            if (Stopwatch.GetTimestamp() - start > SpinTicks)
            {
                Thread.Yield();
            }
            else
            {
                Thread.SpinWait(4);
            }
        }
    }

    private void TakeParts(int worker)
    {
        for (int done = 0; ; done++)
        {
            int part = (int)((Interlocked.Decrement(ref _shared.Ticket) & uint.MaxValue) - Bias);
            if (part < 0)
            {
                // Once for all parts: every such write takes the line from the caller, who looks at it.
                if (done > 0)
                {
                    Interlocked.Add(ref _shared.Unfinished, -done);
                }

                return;
            }

            try
            {
                _job!.Execute(part, worker);
            }
            catch (Exception exception)
            {
                Interlocked.CompareExchange(ref _failure, exception, null);
            }
        }
    }

    private void Work(int worker, ThreadPlacement? placement)
    {
        placement?.Enter();
        long seen = 0;
        while (AwaitJob(ref seen))
        {
            TakeParts(worker);
        }
    }

    /// <summary>Returns true with the number of a job not yet seen, false when the pool ends.</summary>
    private bool AwaitJob(ref long seen)
    {
        long start = Stopwatch.GetTimestamp();
        while (!_stop)
        {
            if (IsNew(ref seen))
            {
                return true;
            }

            if (Stopwatch.GetTimestamp() - start > SpinTicks)
            {
                break;
            }

            Thread.SpinWait(8);
        }

        // The count goes up before the last look at the ticket and the publisher looks at the count after it wrote the ticket,
        // so one of the two sees the other.
        lock (_park)
        {
            Interlocked.Increment(ref _parked);
            while (!_stop && !IsNew(ref seen))
            {
                Monitor.Wait(_park);
            }

            Interlocked.Decrement(ref _parked);
        }

        return !_stop;
    }

    private bool IsNew(ref long seen)
    {
        long number = Volatile.Read(ref _shared.Ticket) >> 32;
        bool isNew = number != seen;
        seen = number;
        return isNew;
    }

    /// <summary>What all threads write, each on cache lines of its own: the processor fetches lines in pairs.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 3 * LinePair)]
    private struct Shared
    {
        private const int LinePair = 128;

        [FieldOffset(LinePair)]
        public long Ticket;

        [FieldOffset(2 * LinePair)]
        public int Unfinished;
    }
}
