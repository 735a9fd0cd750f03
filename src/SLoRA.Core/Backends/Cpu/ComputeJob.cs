namespace SLoRA.Backends.Cpu;

/// <summary>
/// Work that several threads share: parts that may run in any order and on any thread. An operation keeps its job object and fills it
/// in again for every call, so that running it allocates nothing.
/// </summary>
internal abstract class ComputeJob
{
    /// <summary>Does one part.</summary>
    /// <param name="part">Which of the parts.</param>
    /// <param name="worker">Which thread does it: 0 is the caller. For scratch memory only; no result may depend on it.</param>
    public abstract void Execute(int part, int worker);

    /// <summary>
    /// Items [first, end) of part <paramref name="part"/> when <paramref name="items"/> are cut into <paramref name="parts"/>.
    /// </summary>
    protected static (int First, int End) Share(int items, int part, int parts)
        => ((int)((long)items * part / parts), (int)((long)items * (part + 1) / parts));
}
