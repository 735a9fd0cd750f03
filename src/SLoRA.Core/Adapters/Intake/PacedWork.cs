namespace SLoRA.Adapters.Intake;

/// <summary>
/// Work whose length a stranger's file decides, as the parsing of a header: it is done in turns like all work of loads, and ends when
/// nobody wants it any more. For the thread that loads.
/// </summary>
internal sealed class PacedWork : IDisposable
{
    private static readonly TimeSpan Piece = TimeSpan.FromMilliseconds(1);

    private readonly PacedLoad _load;
    private readonly CancellationToken _ending;
    private LoadPace.Turn _turn;

    /// <summary>Waits for the first turn.</summary>
    public PacedWork(PacedLoad load, CancellationToken ending)
    {
        _load = load;
        _ending = ending;
        _turn = load.Work(ending);
    }

    /// <summary>Between two small parts of the work: gives the turn back if it has been long enough, and waits for the next.</summary>
    /// <exception cref="OperationCanceledException">The load was given up.</exception>
    public void Pause()
    {
        _ending.ThrowIfCancellationRequested();
        if (_turn.Elapsed >= Piece)
        {
            _turn.Dispose();
            _turn = default;
            _turn = _load.Work(_ending);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _turn.Dispose();
}
