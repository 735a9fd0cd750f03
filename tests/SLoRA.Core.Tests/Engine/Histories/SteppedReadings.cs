using SLoRA.Adapters.Intake;
using SLoRA.Adapters.Packing;
using SLoRA.Adapters.Resident;
using SLoRA.Core.Tests.Adapters;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Engine.Histories;

/// <summary>
/// Stands between an engine and the readers of adapters, so that histories repeat. A reading that begins goes on until it has ended or
/// hangs, and only then the engine does, so no reader is ever on its way while something else happens; what has been read arrives when the
/// test says so, on the test's thread.
/// </summary>
/// <param name="log">Told of every reading.</param>
internal sealed class SteppedReadings(HistoryLog? log)
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    private readonly List<Reading> _open = [];

    /// <summary>Outcomes are kept back while it is positive; <see cref="Deliver"/> counts it down.</summary>
    public int Delay { get; set; }

    /// <summary>Readings that have begun.</summary>
    public int Begun { get; private set; }

    public ReadContent Between(ReadContent read) => (registration, cancellation) =>
    {
        Begun++;
        var package = (SteppedPackage)registration.Headers!.Package;
        log?.Note($"reading {Begun}: {package.Name} from a disk that {package.Disk.State}");

        // Those that hang already, of this package too, came to that before: the next one to say so is this one.
        Task hangs = package.NextHangs;
        var reading = new Reading(package, package.Disk, cancellation, read(registration, cancellation));
        _open.Add(reading);
        return Task.WaitAny([reading.Inner, hangs], Longest) >= 0
            ? reading.Outcome.Task
            : throw new TimeoutException($"A reading of {package.Name} from a disk that {package.Disk.State} neither ends nor hangs.");
    };

    /// <summary>
    /// Waits until every reading that does not hang has ended: those whose disk was repaired go on, and those that are given up are so a
    /// little later.
    /// </summary>
    public void Settle()
    {
        foreach (Reading reading in _open)
        {
            if (!reading.Hangs)
            {
                Await(reading.Inner);
            }
        }
    }

    /// <summary>Hands the outcomes that there are to the engine.</summary>
    public void Deliver()
    {
        if (Delay > 0)
        {
            Delay--;
            return;
        }

        // What the engine does with an outcome, it does where the outcome is set; a context of the test's runner would send it to the
        // thread pool.
        SynchronizationContext? context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            for (int i = 0; i < _open.Count;)
            {
                Reading reading = _open[i];
                if (reading.Hangs && !reading.Inner.IsCompleted)
                {
                    i++;
                    continue;
                }

                _open.RemoveAt(i);
                HandOver(reading);
            }
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    private void HandOver(Reading reading)
    {
        Await(reading.Inner);
        if (reading.Cancellation.IsCancellationRequested)
        {
            log?.Note($"read: {reading.Package.Name}, cancelled");
            if (reading.Inner.IsCompletedSuccessfully)
            {
                reading.Inner.Result.Dispose();
            }

            reading.Outcome.SetCanceled(reading.Cancellation);
        }
        else if (reading.Inner.Exception is { } error)
        {
            log?.Note($"read: {reading.Package.Name}, {error.InnerException!.Message}");
            reading.Outcome.SetException(error.InnerExceptions);
        }
        else
        {
            log?.Note($"read: {reading.Package.Name}, complete");
            reading.Outcome.SetResult(reading.Inner.Result);
        }
    }

    private static void Await(Task task) => ((IAsyncResult)task).AsyncWaitHandle.WaitOne();

    private sealed record Reading(SteppedPackage Package, Disk Disk, CancellationToken Cancellation, Task<LoadedAdapter> Inner)
    {
        public TaskCompletionSource<LoadedAdapter> Outcome { get; } = new();

        /// <summary>Nobody knows when it will end.</summary>
        public bool Hangs => Disk.State == DiskState.Hangs && !Cancellation.IsCancellationRequested;
    }
}

/// <summary>How a disk answers.</summary>
internal enum DiskState
{
    /// <summary>As it should.</summary>
    Works,

    /// <summary>With an error.</summary>
    Fails,

    /// <summary>Not at all.</summary>
    Hangs,
}

/// <summary>A disk in one state; when it is repaired, what hung on it goes on.</summary>
internal sealed class Disk(DiskState state)
{
    private volatile DiskState _state = state;

    public DiskState State => _state;

    public ManualResetEventSlim Repaired { get; } = new(state != DiskState.Hangs);

    public void Repair()
    {
        _state = DiskState.Works;
        Repaired.Set();
    }
}

/// <summary>An adapter on a disk that can be exchanged. Its headers can always be read.</summary>
internal sealed class SteppedPackage(string name, string content, ModelKind kind) : AdapterPackage(name)
{
    private readonly List<string> _contents = [content];
    private AdapterBase _model;
    private TaskCompletionSource _nextHangs = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Disk Disk { get; set; } = new(DiskState.Works);

    /// <summary>What has been in the folder, in order.</summary>
    public IReadOnlyList<string> Contents => _contents;

    /// <summary>The folder gets other files. No reading may be on its way.</summary>
    public void Become(string content) => _contents.Add(content);

    /// <summary>Whether its disk has ever failed or hung.</summary>
    public bool WasBroken { get; set; }

    /// <summary>Ends when a reading comes to hang that does not hang yet.</summary>
    public Task NextHangs => Volatile.Read(ref _nextHangs).Task;

    public override AdapterPackage ForBase(AdapterBase model)
    {
        _model = model;
        return this;
    }

    public override AdapterReader Open(PacedLoad? load = null) =>
        new Reader(this, Disk, Of(Name, kind.AdapterFolder(_contents[^1])).ForBase(_model).Open(load));

    private sealed class Reader(SteppedPackage owner, Disk disk, AdapterReader inner) : WrappedReader(inner)
    {
        public override void Read(TensorEntry tensor, long offset, Span<byte> destination)
        {
            if (disk.State == DiskState.Fails)
            {
                throw new IOException("The disk fails.");
            }

            if (disk.State == DiskState.Hangs)
            {
                Interlocked.Exchange(ref owner._nextHangs, new(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
                disk.Repaired.Wait();
            }

            base.Read(tensor, offset, destination);
        }
    }
}
