using System.Diagnostics;
using SLoRA.Diagnostics;
using SLoRA.Scheduling;
using SLoRA.Sequences;
using SLoRA.Step;

namespace SLoRA.Engine;

/// <summary>
/// The stages that steps are made of, each a call on one collaborator. Which follows which is said by <see cref="SerialStep"/> and
/// <see cref="OverlappedStep"/>. Belongs to the engine's thread, apart from <see cref="Compute"/>.
/// </summary>
internal sealed class StepStages
{
    private long _started;

    /// <summary>What the engine is made of.</summary>
    public required EngineParts Parts { get; init; }

    /// <summary>Does what callers have posted.</summary>
    public required Action Commands { get; init; }

    /// <summary>Notices consumers that do not read.</summary>
    public required SlowConsumers SlowConsumers { get; init; }

    /// <summary>Who waits.</summary>
    public required WaitingQueue Queue { get; init; }

    /// <summary>Who runs.</summary>
    public required ActiveRequests Requests { get; init; }

    /// <summary>Wakes the engine when somebody may run who may not before.</summary>
    public required WakeTimer QuotaTimer { get; init; }

    /// <summary>How they end.</summary>
    public required RequestEndings Endings { get; init; }

    /// <summary>The way of adapters into pages.</summary>
    public required Residency Residency { get; init; }

    /// <summary>How sequences give up pages.</summary>
    public required Preemption Preemption { get; init; }

    /// <summary>Fills the plan.</summary>
    public required StepPlanner Planner { get; init; }

    /// <summary>The plan of the step.</summary>
    public required StepPlan Plan { get; init; }

    /// <summary>Chooses tokens and hands them to their streams.</summary>
    public required Publisher Publisher { get; init; }

    /// <summary>What the outside sees.</summary>
    public required EngineMonitor Monitor { get; init; }

    /// <summary>Who owns what.</summary>
    public required EngineBooks Books { get; init; }

    /// <summary>The sequence of each slice of the plan.</summary>
    public IReadOnlyList<Sequence> Sequences => Planner.Sequences;

    /// <summary>Whether there is something to do in the next step, even if nothing can be computed in this one.</summary>
    public bool HaveWork => Endings.HasLeft || Residency.Cache.PagingIn.Count > 0;

    /// <summary>Does what callers have posted since the last step.</summary>
    public void TakeCommands() => Commands();

    /// <summary>Ends the requests whose consumers have taken nothing for too long, and those for which it is too late.</summary>
    public void EndOverdue()
    {
        foreach (RequestState request in SlowConsumers.Look(Requests.Running, Queue.Preempted))
        {
            Endings.Fail(request, new ConsumerStalledException(Parts.Scheduling.ConsumerTimeout));
        }

        Endings.FailExpired();
    }

    /// <summary>Returns what sequences held that have ended.</summary>
    /// <returns>Whether there were any.</returns>
    public bool ReturnEnded() => Endings.Return();

    /// <summary>Tells the streams of requests whose last sequence has been returned.</summary>
    public void CompleteEnded() => Endings.Complete();

    /// <summary>Says who runs: admits, secures pages, brings adapters nearer and copies a slice of them.</summary>
    /// <returns>Whether a sequence has ended for want of pages.</returns>
    public bool Schedule()
    {
        Residency.Begin(Planner.CanPlan(Requests.Running));
        Requests.Admit();
        if (Queue.NextChange is var next and < long.MaxValue)
        {
            QuotaTimer.WakeAt(next, Parts.Clock.GetTimestamp());
        }

        bool hasEnded = Requests.SecurePages(Endings);
        Residency.Advance();
        return hasEnded;
    }

    /// <summary>Plans a step, and describes to the device what it can choose by itself.</summary>
    /// <returns>False when nothing can be computed now.</returns>
    public bool TryPlan()
    {
        if (!Planner.TryPlan(Requests.Running, Plan)
            && !(Residency.TryFinishCopies() && Planner.TryPlan(Requests.Running, Plan)))
        {
            return false;
        }

        _started = Parts.Clock.GetTimestamp();
        Publisher.Describe(Plan, Sequences);
        return true;
    }

    /// <summary>Computes the plan. Any thread, while the engine's changes neither plan nor pages.</summary>
    public void Compute()
    {
        Activity? trace = StepTrace.Start(Plan);
        Parts.Decoder.Run(Plan);
        StepTrace.End(trace);
    }

    /// <summary>Charges those who were served, before anything is chosen for them.</summary>
    public void Charge() => Queue.Charge(Plan, Sequences);

    /// <summary>Chooses the tokens of one slice of a plan that has been computed.</summary>
    public void Choose(int slice) => Publisher.Choose(Plan.Slices[slice], Sequences[slice]);

    /// <summary>Hands a request's tokens to its stream.</summary>
    public void Publish(RequestState request) => Publisher.Publish(request);

    /// <summary>Notes a step whose tokens have been chosen.</summary>
    public void NoteStep()
    {
        Residency.End(_started);
        Monitor.Stepped(Plan, Sequences, Publisher.Chosen, _started);
        Preemption.Stepped(Plan.RowCount, Parts.Clock.GetElapsedTime(_started));
    }

    /// <summary>Shows the outside how things stand.</summary>
    public void Observe() => Monitor.Observe();

    /// <summary>Checks the books, if the engine is to.</summary>
    /// <exception cref="InvalidOperationException">They are wrong.</exception>
    public void CheckInvariants()
    {
        if (Parts.ChecksInvariants)
        {
            InvariantValidator.ThrowIfViolated(Books.Snapshot());
        }
    }
}
