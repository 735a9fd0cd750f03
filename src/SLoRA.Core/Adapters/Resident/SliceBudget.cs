namespace SLoRA.Adapters.Resident;

/// <summary>
/// How many bytes of adapter weights may be copied between two steps, so that copying takes at most a stated share of the steps it goes
/// beside. Follows the measured time of the steps and speed of the copies. Belongs to the engine's thread.
/// </summary>
/// <param name="share">The share of a step's time.</param>
internal sealed class SliceBudget(double share)
{
    /// <summary>What is copied beside the shortest step, so that a page-in always ends.</summary>
    public const long Least = 64 << 10;

    /// <summary>What is copied at once when nobody computes: little enough to look into the inbox in between.</summary>
    public const long Alone = 64 << 20;

    // The newest measurement counts a quarter.
    private const double Weight = 0.25;
    private double _stepSeconds;
    private double _bytesPerSecond = 1L << 30;

    /// <summary>How long a step computes, by what the last ones took.</summary>
    public TimeSpan StepTime => TimeSpan.FromSeconds(_stepSeconds);

    /// <summary>Bytes that may still be copied before the next step.</summary>
    public long Left { get; private set; }

    /// <summary>Begins a step.</summary>
    /// <param name="othersRun">Whether sequences compute that copying would hold up.</param>
    public void Begin(bool othersRun) => Left = othersRun ? Math.Max(Least, (long)(share * _stepSeconds * _bytesPerSecond)) : Alone;

    /// <summary>Takes bytes off the budget, if there are so many left.</summary>
    public bool TrySpend(long bytes)
    {
        if (bytes > Left)
        {
            return false;
        }

        Left -= bytes;
        return true;
    }

    /// <summary>Notes how long a step computed.</summary>
    public void NoteStep(TimeSpan time) => _stepSeconds += Weight * (time.TotalSeconds - _stepSeconds);

    /// <summary>Notes how long copying took.</summary>
    public void NoteCopy(long bytes, TimeSpan time)
    {
        // Small copies measure the clock.
        if (bytes >= Least && time > TimeSpan.Zero)
        {
            _bytesPerSecond += Weight * ((bytes / time.TotalSeconds) - _bytesPerSecond);
        }
    }
}
