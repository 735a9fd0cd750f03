using SLoRA;

namespace Quickstart;

/// <summary>
/// The steps of the engine as they are seen from outside: <see cref="EngineStatus.LastStep"/>, looked at after every token. The engine
/// waits for nobody, so a step may go by unseen.
/// </summary>
internal sealed class StepLog
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<long, StepStatus> _steps = [];

    public void Note(StepStatus step)
    {
        lock (_gate)
        {
            if (step.Number > 0)
            {
                _steps.TryAdd(step.Number, step);
            }
        }
    }

    /// <summary>All steps seen so far, in order.</summary>
    public IReadOnlyList<StepStatus> Seen()
    {
        lock (_gate)
        {
            return [.. _steps.Values];
        }
    }
}
