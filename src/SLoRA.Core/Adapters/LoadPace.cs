using System.Diagnostics;

namespace SLoRA.Adapters;

/// <summary>
/// Keeps reading, hashing and packing from taking the processors away from the steps: while sequences compute, all readers together work at most a stated share of one
/// processor's time and rest the remainder; while nobody computes they work as fast as they can. Thread-safe.
/// </summary>
/// <param name="share">The share of one processor.</param>
internal sealed class LoadPace(double share)
{
    /// <summary>Bytes between two looks at the clock.</summary>
    public const int PieceBytes = 1 << 20;

    // Rests shorter than a timer can measure are saved up.
    private static readonly long LeastTicks = Stopwatch.Frequency / 1000;

    // Reading is mostly waiting, which costs nobody; the copy out of the system's cache runs at about this speed.
    private const double ReadBytesPerSecond = 4e9;

    private readonly Lock _turn = new();
    private readonly ManualResetEventSlim _quiet = new(true);
    private long _work;

    /// <summary>Says whether sequences compute. Engine's thread, every step.</summary>
    public void SetBusy(bool busy)
    {
        if (busy == _quiet.IsSet)
        {
            if (busy)
            {
                _quiet.Reset();
            }
            else
            {
                _quiet.Set();
            }
        }
    }

    /// <summary>Notes that bytes have been read.</summary>
    public void HasRead(long bytes, CancellationToken cancellation) => Rest((long)(bytes / ReadBytesPerSecond * Stopwatch.Frequency), cancellation);

    /// <summary>Notes work since a timestamp of <see cref="Stopwatch"/>, and rests for it.</summary>
    public void HasWorked(long since, CancellationToken cancellation) => Rest(Stopwatch.GetTimestamp() - since, cancellation);

    private void Rest(long ticks, CancellationToken cancellation)
    {
        long work = Interlocked.Add(ref _work, ticks);
        if (_quiet.IsSet)
        {
            Interlocked.Exchange(ref _work, 0);
            return;
        }

        if (work < LeastTicks)
        {
            return;
        }

        // One at a time: the others wait for the rest of this one, so that the share holds for all of them together.
        lock (_turn)
        {
            double seconds = Interlocked.Exchange(ref _work, 0) / (double)Stopwatch.Frequency;
            _quiet.Wait(TimeSpan.FromSeconds(Math.Min(seconds * ((1 / share) - 1), 60)), cancellation);
        }
    }
}
