namespace SLoRA.Backends.Cpu;

/// <summary>Two jobs that do not depend on each other, run as one.</summary>
internal sealed class PairJob : ComputeJob
{
    private ComputeJob _first = null!;
    private ComputeJob _second = null!;
    private int _firstParts;

    /// <summary>Sets the next two and says how many parts they have together.</summary>
    public int Prepare(ComputeJob first, int firstParts, ComputeJob second, int secondParts)
    {
        _first = first;
        _second = second;
        _firstParts = firstParts;
        return firstParts + secondParts;
    }

    /// <inheritdoc/>
    public override void Execute(int part, int worker)
    {
        if (part < _firstParts)
        {
            _first.Execute(part, worker);
        }
        else
        {
            _second.Execute(part - _firstParts, worker);
        }
    }
}
