using System.Globalization;

namespace SLoRA.Adapters.Intake;

/// <summary>
/// Threads of their own for what reads files of strangers, which may be slow or never return. A reading that gets nothing for
/// <see cref="Patience"/> keeps its thread, and another takes its place; one that takes longer than the limit is given up, and what it
/// brings later is thrown away. Readings of one tenant have at most <see cref="MostOfOne"/> threads, those that hang counted, so that what
/// hangs costs nobody else. Thread-safe.
/// </summary>
/// <param name="places">Readings at a time, apart from those that get nothing.</param>
/// <param name="limit">How long one may take, apart from its rests.</param>
/// <param name="clock">Measures the limit.</param>
/// <param name="start">Starts a thread; null for the system's way.</param>
internal sealed class ReadThreads(int places, TimeSpan limit, TimeProvider clock, Action<ThreadStart>? start = null) : IDisposable
{
    /// <summary>The most threads of one tenant: the part of the names before the first slash, or the whole name.</summary>
    public const int MostOfOne = 8;

    /// <summary>The most readings that were given up and have not returned; while there are so many, further ones are refused.</summary>
    public const int MostLost = 256;

    /// <summary>After how long without a byte a reading does not hold its place any more.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>After how long a reading that was given up and does not return does not count any more.</summary>
    public static readonly TimeSpan Forgotten = TimeSpan.FromMinutes(10);

    private readonly Action<ThreadStart> _start = start ?? StartThread;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, ReadTenant> _tenants = new(StringComparer.Ordinal);

    // Tenants with a reading that may begin, in turns.
    private readonly Queue<ReadTenant> _ready = new();
    private readonly HashSet<Reading> _open = [];
    private readonly Queue<Reading> _lost = new();
    private int _placesTaken;
    private int _lostCount;
    private bool _closed;

    /// <summary>Readings that were given up and have not returned.</summary>
    public int Lost
    {
        get
        {
            lock (_gate)
            {
                return _lostCount;
            }
        }
    }

    internal TimeProvider Clock => clock;

    internal TimeSpan Limit => limit;

    /// <summary>Reads on one of the threads, in the order of the calls, and of tenants in turns.</summary>
    /// <param name="adapter">Whose reading it is, for errors and for the share of its tenant.</param>
    /// <param name="read">Reads; its clock tells when nobody wants the outcome any more.</param>
    /// <param name="cancellation">Gives the reading up.</param>
    /// <param name="slow">Told that it does not hold its place any more; null for nobody.</param>
    /// <exception cref="AdapterLoadException">It failed, took longer than the limit, or too many others hang.</exception>
    /// <exception cref="EngineDisposedException">The threads have been disposed.</exception>
    public Task<T> Run<T>(string adapter, Func<ReadClock, T> read, CancellationToken cancellation, Action? slow = null)
        where T : class
    {
        var reading = new Reading<T>(this, adapter, read, slow);

        // Before a thread can have it: what ends at once would find nothing to take back.
        reading.CancelWith(cancellation);
        Refusal? refusal;
        lock (_gate)
        {
            refusal = RefusalOf(reading);
            if (refusal is null && !reading.Result.IsCompleted)
            {
                _open.Add(reading);
                Enqueue(reading);
                refusal = StartWorker();
            }
        }

        refusal?.Tell();
        return reading.Result;
    }

    /// <summary>Gives up every reading, without waiting for those that hang.</summary>
    public void Dispose()
    {
        Reading[] open;
        lock (_gate)
        {
            _closed = true;
            _ready.Clear();
            open = [.. _open];
        }

        foreach (Reading reading in open)
        {
            reading.GiveUp(new EngineDisposedException());
        }
    }

    private static void StartThread(ThreadStart work) => new Thread(work) { IsBackground = true, Name = "SLoRA reader" }.Start();

    private static string TenantOf(string adapter) => adapter.IndexOf('/') is >= 0 and var end ? adapter[..end] : adapter;

    /// <summary>Why a reading cannot begin at all; null when it can.</summary>
    private Refusal? RefusalOf(Reading reading)
    {
        if (_closed)
        {
            return new Refusal([reading], _ => new EngineDisposedException());
        }

        ForgetOld();
        int lost = _lostCount >= MostLost ? _lostCount
            : _tenants.TryGetValue(TenantOf(reading.Adapter), out ReadTenant? tenant) && tenant.Lost >= MostOfOne ? tenant.Lost : 0;
        return lost > 0 ? Hanging([reading], lost) : null;
    }

    private static Refusal Hanging(IReadOnlyList<Reading> readings, int lost) => new(readings, adapter => new AdapterLoadException(
        adapter, LoadErrorKind.File,
        string.Create(CultureInfo.InvariantCulture, $"cannot be read now: {lost} earlier readings hang and have not returned")));

    private void Enqueue(Reading reading)
    {
        string name = TenantOf(reading.Adapter);
        if (!_tenants.TryGetValue(name, out ReadTenant? tenant))
        {
            _tenants.Add(name, tenant = new ReadTenant(name));
        }

        reading.Tenant = tenant;
        tenant.Waiting.Enqueue(reading);
        MakeReady(tenant);
    }

    private void MakeReady(ReadTenant tenant)
    {
        if (tenant is { IsReady: false, Waiting.Count: > 0, Threads: < MostOfOne } && !_closed)
        {
            tenant.IsReady = true;
            _ready.Enqueue(tenant);
        }
    }

    /// <summary>Starts a thread if there is something to read and a place for it.</summary>
    /// <returns>What nobody will read, because the system refuses a thread and there is no other; null when all will be read.</returns>
    private Refusal? StartWorker()
    {
        if (_placesTaken >= places || _ready.Count == 0)
        {
            return null;
        }

        _placesTaken++;
        try
        {
            _start(Work);
            return null;
        }
        catch (Exception refused) when (refused is OutOfMemoryException or ThreadStartException)
        {
            _placesTaken--;
            return _placesTaken > 0 ? null : new Refusal(
                [.. _open.Where(reading => reading.Phase == ReadingPhase.Waits)],
                adapter =>
                    new AdapterLoadException(adapter, LoadErrorKind.File, "cannot be read now: the system has no thread for it", refused));
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
            while (_ready.TryDequeue(out ReadTenant? tenant))
            {
                tenant.IsReady = false;
                Reading? reading = null;
                while (reading is null && tenant.Waiting.TryDequeue(out Reading? next))
                {
                    reading = _open.Contains(next) ? next : null;
                }

                if (reading is null)
                {
                    Leave(tenant);
                    continue;
                }

                tenant.Threads++;
                MakeReady(tenant);
                reading.Phase = ReadingPhase.Reads;
                return reading;
            }

            _placesTaken--;
            return null;
        }
    }

    /// <summary>A reading has returned, whether somebody still wants it or not.</summary>
    /// <returns>Whether the thread may take the next one: not when others have taken its place.</returns>
    private bool Returned(Reading reading)
    {
        lock (_gate)
        {
            ReadingPhase phase = reading.Phase;
            reading.Phase = ReadingPhase.Ended;
            _open.Remove(reading);
            if (phase == ReadingPhase.Lost)
            {
                _lostCount--;
                reading.Tenant!.Lost--;
            }

            if (phase != ReadingPhase.Ended)
            {
                reading.Tenant!.Threads--;
                MakeReady(reading.Tenant);
                Leave(reading.Tenant);
            }

            if (phase == ReadingPhase.Reads)
            {
                return true;
            }

            bool hasPlace = _placesTaken < places && _ready.Count > 0;
            _placesTaken += hasPlace ? 1 : 0;
            return hasPlace;
        }
    }

    /// <summary>A reading gets nothing: others may have its place.</summary>
    internal void Slowed(Reading reading)
    {
        Refusal? refusal;
        lock (_gate)
        {
            if (reading.Phase != ReadingPhase.Reads)
            {
                return;
            }

            reading.Phase = ReadingPhase.Hangs;
            _placesTaken--;
            refusal = StartWorker();
        }

        refusal?.Tell();
    }

    /// <summary>Somebody else has settled the outcome of a reading.</summary>
    internal void GivenUp(Reading reading)
    {
        Refusal? refusal;
        lock (_gate)
        {
            _open.Remove(reading);
            if (reading.Phase is not (ReadingPhase.Reads or ReadingPhase.Hangs))
            {
                reading.Phase = ReadingPhase.Ended;
                return;
            }

            _placesTaken -= reading.Phase == ReadingPhase.Reads ? 1 : 0;
            reading.Phase = ReadingPhase.Lost;
            reading.LostAt = clock.GetTimestamp();
            _lost.Enqueue(reading);
            _lostCount++;
            ReadTenant tenant = reading.Tenant!;
            refusal = ++tenant.Lost >= MostOfOne ? Hanging([.. tenant.Waiting.Where(_open.Contains)], tenant.Lost) : null;
            refusal = StartWorker() ?? refusal;
        }

        refusal?.Tell();
    }

    /// <summary>Threads that the system does not give back are not counted for ever.</summary>
    private void ForgetOld()
    {
        while (_lost.TryPeek(out Reading? oldest)
            && (oldest.Phase != ReadingPhase.Lost || clock.GetElapsedTime(oldest.LostAt) >= Forgotten))
        {
            _lost.Dequeue();
            if (oldest.Phase == ReadingPhase.Lost)
            {
                oldest.Phase = ReadingPhase.Ended;
                _lostCount--;
                oldest.Tenant!.Lost--;
                oldest.Tenant.Threads--;
                MakeReady(oldest.Tenant);
                Leave(oldest.Tenant);
            }
        }
    }

    private void Leave(ReadTenant tenant)
    {
        if (tenant is { Threads: 0, Waiting.Count: 0 })
        {
            _tenants.Remove(tenant.Name);
        }
    }

    /// <summary>Readings that cannot be, told outside of the lock.</summary>
    private sealed record Refusal(IReadOnlyList<Reading> Readings, Func<string, SLoraException> Error)
    {
        public void Tell()
        {
            foreach (Reading reading in Readings)
            {
                reading.GiveUp(Error(reading.Adapter));
            }
        }
    }
}
