using SLoRA.Scheduling;
using SLoRA.Sequences;

namespace SLoRA.Core.Tests.Scheduling;

/// <summary>The latest goes first, whether it waits, has been preempted or runs: the opposite of what the engine has.</summary>
internal class LastCome : SortedOrder
{
    public override bool GoesBefore(Preload preload, Sequence sequence) => preload.Arrival > sequence.Request.Arrival;

    protected override int CompareRequests(RequestState a, RequestState b) => b.Arrival.CompareTo(a.Arrival);
}
