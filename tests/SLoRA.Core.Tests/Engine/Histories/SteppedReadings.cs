using System.Collections.Immutable;
using SLoRA.Adapters;
using SLoRA.Formats;
using SLoRA.Formats.Peft;

namespace SLoRA.Core.Tests.Engine.Histories;

/// <summary>
/// Stands between an engine and the readers of adapters: what they have read arrives when the test says so, on the test's thread, so that histories repeat.
/// </summary>
internal sealed class SteppedReadings
{
    private readonly List<Reading> _open = [];

    /// <summary>Outcomes are kept back while it is positive; <see cref="Deliver"/> counts it down.</summary>
    public int Delay { get; set; }

    /// <summary>Readings that have begun.</summary>
    public int Begun { get; private set; }

    public ReadContent Between(ReadContent read) => (registration, cancellation) =>
    {
        Begun++;
        var package = (SteppedPackage)registration.Headers!.Package;
        var reading = new Reading(package, package.Disk, cancellation, read(registration, cancellation));
        _open.Add(reading);
        return reading.Outcome.Task;
    };

    /// <summary>Waits until every reading has either ended or hangs, so that changing disks or time finds no reader on its way.</summary>
    public void Settle()
    {
        foreach (Reading reading in _open)
        {
            if (reading.Disk.State == DiskState.Hangs && !reading.Cancellation.IsCancellationRequested)
            {
                SpinWait.SpinUntil(() => reading.Package.Hanging > 0 || reading.Inner.IsCompleted);
            }
            else
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

        for (int i = 0; i < _open.Count;)
        {
            Reading reading = _open[i];
            bool hangs = reading.Disk.State == DiskState.Hangs && !reading.Cancellation.IsCancellationRequested;
            if (hangs && !reading.Inner.IsCompleted)
            {
                i++;
                continue;
            }

            Await(reading.Inner);
            _open.RemoveAt(i);
            if (reading.Cancellation.IsCancellationRequested)
            {
                if (reading.Inner.IsCompletedSuccessfully)
                {
                    reading.Inner.Result.Dispose();
                }

                reading.Outcome.SetCanceled(reading.Cancellation);
            }
            else if (reading.Inner.IsFaulted)
            {
                reading.Outcome.SetException(reading.Inner.Exception!.InnerExceptions);
            }
            else
            {
                reading.Outcome.SetResult(reading.Inner.Result);
            }
        }
    }

    private static void Await(Task task) => ((IAsyncResult)task).AsyncWaitHandle.WaitOne();

    /// <summary>The outcome's continuation runs where it is set.</summary>
    private sealed record Reading(SteppedPackage Package, Disk Disk, CancellationToken Cancellation, Task<LoadedAdapter> Inner)
    {
        public TaskCompletionSource<LoadedAdapter> Outcome { get; } = new();
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
internal sealed class SteppedPackage(string name, string content) : AdapterPackage(name)
{
    private readonly AdapterFolder _folder = new(name, SteppedEngine.AdapterFolder(content));
    private int _hanging;

    public Disk Disk { get; set; } = new(DiskState.Works);

    /// <summary>Whether its disk has ever failed or hung.</summary>
    public bool WasBroken { get; set; }

    /// <summary>Readings that hang.</summary>
    public int Hanging => Volatile.Read(ref _hanging);

    public override AdapterReader Open() => new Reader(this, Disk, _folder.Open());

    private sealed class Reader(SteppedPackage owner, Disk disk, AdapterReader inner) : AdapterReader
    {
        public override string File => inner.File;

        public override PeftConfig Config => inner.Config;

        public override ImmutableArray<TensorEntry> Tensors => inner.Tensors;

        public override long Bytes => inner.Bytes;

        public override ReadOnlyMemory<byte> Fingerprint => inner.Fingerprint;

        public override void Read(TensorEntry tensor, long offset, Span<byte> destination)
        {
            if (disk.State == DiskState.Fails)
            {
                throw new IOException("The disk fails.");
            }

            if (disk.State == DiskState.Hangs)
            {
                Interlocked.Increment(ref owner._hanging);
                disk.Repaired.Wait();
                Interlocked.Decrement(ref owner._hanging);
            }

            inner.Read(tensor, offset, destination);
        }

        public override void CheckUnchanged() => inner.CheckUnchanged();

        public override void Dispose() => inner.Dispose();
    }
}
