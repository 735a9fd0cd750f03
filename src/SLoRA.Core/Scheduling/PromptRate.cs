namespace SLoRA.Scheduling;

/// <summary>How many rows of prompts the engine has computed in a second while there were any, the last steps most.</summary>
internal sealed class PromptRate
{
    /// <summary>What a step's measurement counts for after the next one.</summary>
    private const double Fading = 0.98;

    private double _rows;
    private double _ticks;
    private long _since;
    private int _pending;
    private bool _isBusy;

    /// <summary>Ticks of the clock that a row takes; 0 before anything has been measured.</summary>
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
        }

        (_since, _pending, _isBusy) = (now, 0, isBusy);
    }
}
