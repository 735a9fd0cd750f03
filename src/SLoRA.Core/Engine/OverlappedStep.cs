using SLoRA.Sequences;

namespace SLoRA.Engine;

/// <summary>
/// What a step has chosen is published while the next one computes, on a thread of its own. Whatever decides the next plan comes before it:
/// tokens are chosen, stops are asked, what has ended gives its pages back, and a token that waits to be published counts as unread. All
/// but the decoder runs on the engine's thread.
/// </summary>
internal sealed class OverlappedStep : IEngineStep
{
    private readonly StepStages _stages;
    private readonly DeviceThread _device;
    private readonly Action _publish;
    private readonly List<RequestState> _chosen = [];

    /// <summary>Starts the thread that computes.</summary>
    public OverlappedStep(StepStages stages)
    {
        _stages = stages;
        _publish = Publish;
        _device = new DeviceThread(stages.Compute);
    }

    /// <inheritdoc/>
    public bool Run()
    {
        _stages.TakeCommands();
        _stages.EndOverdue();
        _stages.ReturnEnded();
        bool hasEnded = _stages.Schedule();
        bool hasPlan = _stages.TryPlan();
        bool hasChosen = _chosen.Count > 0;
        if (hasPlan)
        {
            _device.ComputeBeside(_publish);
            _stages.Charge();
            for (int i = 0; i < _stages.Sequences.Count; i++)
            {
                _stages.Choose(i);
                _chosen.Add(_stages.Sequences[i].Request);
            }

            _stages.NoteStep();
        }
        else
        {
            Publish();
        }

        // A consumer that was paused for tokens it could not see yet may have taken them by now: they are looked at once more.
        return hasPlan || hasChosen || hasEnded || _stages.HaveWork;
    }

    /// <summary>Ends the thread that computes. What has not been published comes with the end of its stream.</summary>
    public void Dispose() => _device.Dispose();

    private void Publish()
    {
        foreach (RequestState request in _chosen)
        {
            _stages.Publish(request);
        }

        _chosen.Clear();
        _stages.Observe();
        _stages.CompleteEnded();
        _stages.CheckInvariants();
    }
}
