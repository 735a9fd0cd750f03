namespace SLoRA.Adapters.Intake;

/// <summary>One load of an adapter, as old as its number: it works in turns beside the steps. For the thread that loads.</summary>
/// <param name="pace">Gives the turns.</param>
/// <param name="number">Its place among all loads.</param>
/// <param name="reading">The reading that it is; null for one without a limit.</param>
/// <param name="ending">Says that nobody wants it any more.</param>
internal sealed class PacedLoad(LoadPace pace, long number, ReadClock? reading, CancellationToken ending)
{
    /// <summary>Waits until it may work, and works until the turn is disposed.</summary>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <exception cref="OperationCanceledException">The load was given up.</exception>
    public LoadPace.Turn Work(CancellationToken cancellation) => pace.Enter(number, reading, cancellation);

    /// <summary>Begins work of unknown length, which lets others in between.</summary>
    /// <exception cref="OperationCanceledException">The load was given up.</exception>
    public PacedWork WorkInPieces() => new(this, ending);

    /// <summary>Nobody wants it any more: it holds no turn.</summary>
    public void Surrender() => pace.Surrender(number);

    /// <summary>Notes that bytes have been read.</summary>
    public void HasRead(long bytes)
    {
        pace.HasRead(bytes);
        reading?.HasCome();
    }
}
