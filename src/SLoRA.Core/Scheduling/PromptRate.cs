namespace SLoRA.Scheduling;

/// <summary>
/// What a row of a prompt takes, the last steps most: computing it, and waiting for the places and pages that it needs before. Belongs to
/// the engine's thread.
/// </summary>
internal sealed class PromptRate
{
    /// <summary>What a step's measurement counts for after the next one.</summary>
    private const double Fading = 0.98;

    private double _rows;
    private double _ticks;
    private double _computing;
    private long _since;
    private int _pending;
    private bool _isBusy;

    /// <summary>Ticks of the clock in which a row is computed; 0 before anything has been measured.</summary>
    public double ComputingTicksPerRow => _rows > 0 ? _computing / _rows : 0;

    /// <summary>Ticks between two rows while there are some to compute, waiting included; 0 before anything has been measured.</summary>
    public double TicksPerRow => _rows > 0 ? _ticks / _rows : 0;

    /// <summary>Rows of prompts have been computed.</summary>
    public void Note(int rows) => _pending += rows;

    /// <summary>A step begins.</summary>
    /// <param name="now">Timestamp of the engine's clock.</param>
    /// <param name="isBusy">Whether there are rows of prompts to compute from here on.</param>
    public void Begin(long now, bool isBusy)
    {
        if (_isBusy || _pending > 0)
        {
            _rows = (_rows * Fading) + _pending;
            _ticks = (_ticks * Fading) + (now - _since);
            _computing = (_computing * Fading) + (_pending > 0 ? now - _since : 0);
        }

        (_since, _pending, _isBusy) = (now, 0, isBusy);
    }
}
