namespace SLoRA.Adapters;

/// <summary>One load of an adapter's content, as old as its number: it works in turns beside the steps. For the thread that loads.</summary>
/// <param name="pace">Gives the turns.</param>
/// <param name="number">Its place among all loads.</param>
internal sealed class PacedLoad(LoadPace pace, long number)
{
    /// <summary>Waits until it may work, and works until the turn is disposed.</summary>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <exception cref="OperationCanceledException">The load was given up.</exception>
    public LoadPace.Turn Work(CancellationToken cancellation) => pace.Enter(number, cancellation);

    /// <summary>Notes that bytes have been read.</summary>
    public void HasRead(long bytes) => pace.HasRead(bytes);
}
