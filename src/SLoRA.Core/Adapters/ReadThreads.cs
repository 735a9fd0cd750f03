using System.Globalization;
using SLoRA.Diagnostics;

namespace SLoRA.Adapters;

/// <summary>
/// Threads of their own for what reads files of strangers, which may be slow or never return. Each reading has a time limit; one that is given up keeps its thread
/// until the operating system lets it go, and another thread takes its place, so that a reading that hangs costs nobody else. What it brings later is thrown away.
/// Thread-safe.
/// </summary>
/// <param name="threads">Readings at a time.</param>
/// <param name="limit">How long one may take.</param>
/// <param name="clock">Measures the limit.</param>
internal sealed class ReadThreads(int threads, TimeSpan limit, TimeProvider clock) : IDisposable
{
    /// <summary>The most readings that were given up and have not returned; while there are so many, further ones are refused.</summary>
    public const int MostLost = 64;

    private readonly Lock _gate = new();
    private readonly Queue<Reading> _waiting = new();
    private readonly HashSet<Reading> _open = [];
    private int _workers;
    private int _lost;
    private bool _closed;

    /// <summary>Readings that were given up and have not returned.</summary>
    public int Lost
    {
        get
        {
            lock (_gate)
            {
                return _lost;
            }
        }
    }

    private TimeProvider Clock => clock;

    private TimeSpan Limit => limit;

    /// <summary>Reads on one of the threads, in the order of the calls.</summary>
    /// <param name="adapter">Whose reading it is, for errors.</param>
    /// <param name="read">Reads; the token ends it when nobody wants the outcome any more.</param>
    /// <param name="cancellation">Gives the reading up.</param>
    /// <exception cref="AdapterLoadException">It failed, took longer than the limit, or too many others hang.</exception>
    /// <exception cref="EngineDisposedException">The threads have been disposed.</exception>
    public Task<T> Run<T>(string adapter, Func<CancellationToken, T> read, CancellationToken cancellation)
        where T : class
    {
        var reading = new Reading<T>(this, adapter, read);
        lock (_gate)
        {
            if (_closed)
            {
                return Task.FromException<T>(new EngineDisposedException());
            }

            if (_lost >= MostLost)
            {
                return Task.FromException<T>(new AdapterLoadException(
                    adapter, LoadErrorKind.File, $"cannot be read now: {_lost} earlier readings hang and have not returned"));
            }

            _open.Add(reading);
            _waiting.Enqueue(reading);
            StartWorker();
        }

        reading.CancelWith(cancellation);
        return reading.Result;
    }

    /// <summary>Gives up every reading, without waiting for those that hang.</summary>
    public void Dispose()
    {
        Reading[] open;
        lock (_gate)
        {
            _closed = true;
            _waiting.Clear();
            open = [.. _open];
        }

        foreach (Reading reading in open)
        {
            reading.GiveUp(new EngineDisposedException());
        }
    }

    private void StartWorker()
    {
        if (_workers < threads && _waiting.Count > 0)
        {
            _workers++;
            new Thread(Work) { IsBackground = true, Name = "SLoRA reader" }.Start();
        }
    }

    private void Work()
    {
        while (Take() is { } reading)
        {
            reading.Read();
            if (!Returned(reading))
            {
                return;
            }
        }
    }

    private Reading? Take()
    {
        lock (_gate)
        {
            while (_waiting.TryDequeue(out Reading? reading))
            {
                if (_open.Contains(reading))
                {
                    reading.IsRunning = true;
                    return reading;
                }
            }

            _workers--;
            return null;
        }
    }

    /// <summary>Whether the thread may take the next reading: not when another one has taken its place.</summary>
    private bool Returned(Reading reading)
    {
        lock (_gate)
        {
            if (reading.IsLost)
            {
                _lost--;
                return false;
            }

            reading.IsRunning = false;
            _open.Remove(reading);
            return true;
        }
    }

    /// <summary>Somebody else has settled the outcome of a reading.</summary>
    private void GivenUp(Reading reading)
    {
        lock (_gate)
        {
            _open.Remove(reading);
            if (!reading.IsRunning)
            {
                return;
            }

            reading.IsRunning = false;
            reading.IsLost = true;
            _lost++;
            _workers--;
            StartWorker();
        }
    }

    private abstract class Reading
    {
        /// <summary>Whether a thread is at it. Under the lock.</summary>
        public bool IsRunning { get; set; }

        /// <summary>Whether it was given up while a thread was at it. Under the lock.</summary>
        public bool IsLost { get; set; }

        /// <summary>Reads, on one of the threads.</summary>
        public abstract void Read();

        /// <summary>Ends it with an error, if it has no outcome yet.</summary>
        public abstract void GiveUp(Exception error);
    }

    private sealed class Reading<T>(ReadThreads owner, string adapter, Func<CancellationToken, T> read) : Reading
        where T : class
    {
        private readonly TaskCompletionSource<T> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly CancellationTokenSource _ending = new();
        private CancellationTokenRegistration _cancellation;

        public Task<T> Result => _result.Task;

        public void CancelWith(CancellationToken cancellation) => _cancellation = cancellation.UnsafeRegister(
            static (reading, token) => ((Reading<T>)reading!).GiveUp(new OperationCanceledException(token)), this);

        public override void Read()
        {
            ITimer? timer = null;
            try
            {
                timer = owner.Clock.CreateTimer(static reading => ((Reading<T>)reading!).TimeOut(), this, owner.Limit, Timeout.InfiniteTimeSpan);
                T result = read(_ending.Token);
                if (!_result.TrySetResult(result))
                {
                    (result as IDisposable)?.Dispose();
                }
            }
            catch (Exception error)
            {
                _result.TrySetException(Typed(error));
            }
            finally
            {
                timer?.Dispose();
                _cancellation.Unregister();
            }
        }

        public override void GiveUp(Exception error)
        {
            bool isMine = error is OperationCanceledException cancelled ? _result.TrySetCanceled(cancelled.CancellationToken) : _result.TrySetException(error);
            if (isMine)
            {
                owner.GivenUp(this);
                _ending.Cancel();
            }
        }

        /// <summary>What a reader throws that is no error of ours, a lack of memory for instance, is this adapter's error all the same.</summary>
        private Exception Typed(Exception error) => error is SLoraException or OperationCanceledException
            ? error
            : new AdapterLoadException(adapter, LoadErrorKind.File, "cannot be read: " + Shown.Text(ErrorText.Of(error)), error);

        private void TimeOut() => GiveUp(new AdapterLoadException(
            adapter, LoadErrorKind.File, string.Create(CultureInfo.InvariantCulture, $"reading timed out after {owner.Limit.TotalSeconds:0.###} s")));
    }
}
