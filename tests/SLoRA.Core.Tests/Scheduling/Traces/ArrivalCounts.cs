namespace SLoRA.Core.Tests.Scheduling.Traces;

/// <summary>
/// How the recorded early-abort queue decides from which end it takes: by how many came since the last batch and how large batches are.
/// Each product first, then the sum, cut off towards zero.
/// </summary>
internal struct ArrivalCounts()
{
    private int _rate = 1;
    private int _size = 1;
    private int _left;

    /// <summary>Whether the newest go first.</summary>
    public readonly bool GoesFromTheNewest => _rate >= _size;

    /// <summary>A batch is to be formed.</summary>
    public void Attempt(int waiting) => _rate = (int)((0.7 * (waiting - _left)) + (0.3 * _rate));

    /// <summary>A batch has been formed.</summary>
    public void Formed(int batch, int waiting)
    {
        _left = waiting;
        _size = Math.Max((int)((0.7 * batch) + (0.3 * _size)), 1);
    }
}
