using SLoRA.Sequences;

namespace SLoRA.Engine;

/// <summary>
/// One stage after the other: what a step has chosen is published before the next one begins. This is the specification; every other order
/// gives each stream the same tokens, endings and errors.
/// </summary>
internal sealed class SerialStep(StepStages stages) : IEngineStep
{
    /// <inheritdoc/>
    public bool Run()
    {
        stages.TakeCommands();
        stages.EndOverdue();
        if (stages.ReturnEnded())
        {
            stages.Observe();
            stages.CompleteEnded();
        }

        bool hasEnded = stages.Schedule();
        bool hasPlan = stages.TryPlan();
        if (hasPlan)
        {
            stages.Compute();
            stages.Charge();
            for (int i = 0; i < stages.Sequences.Count; i++)
            {
                Sequence sequence = stages.Sequences[i];
                stages.Choose(i);
                stages.Publish(sequence.Request);
            }

            stages.NoteStep();
        }

        stages.Observe();
        stages.CheckInvariants();
        return hasPlan || hasEnded || stages.HaveWork;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
