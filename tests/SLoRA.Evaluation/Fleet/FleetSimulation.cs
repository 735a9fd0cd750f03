using SLoRA.Evaluation.Runs;
using SLoRA.Evaluation.Workloads;

namespace SLoRA.Evaluation.Fleet;

/// <summary>A fleet of replicas in virtual time.</summary>
internal static class FleetSimulation
{
    /// <summary>Runs a trace to its last answer.</summary>
    /// <param name="plan">The replicas.</param>
    /// <param name="routing">Who gets which request.</param>
    /// <param name="trace">What is asked.</param>
    /// <returns>What became of each request, and the replicas as they stand at the end.</returns>
    public static (IReadOnlyList<Outcome> Outcomes, IReadOnlyList<Replica> Replicas) Run(FleetPlan plan, Routing routing, Trace trace)
    {
        Replica[] replicas = [.. Enumerable.Range(0, plan.Replicas).Select(_ => new Replica(plan))];
        var outcomes = new Outcome[trace.Requests.Count];
        for (int i = 0; i < outcomes.Length; i++)
        {
            TraceRequest request = trace.Requests[i];
            outcomes[i] = new Outcome(i, request.Adapter, request.Prompt, request.Output, request.Arrival, null, null);
        }

        void First(int number, double at) => outcomes[number] = outcomes[number] with { FirstToken = at };
        void Ended(int number, double at) => outcomes[number] = outcomes[number] with { End = at };

        var events = new PriorityQueue<int, double>();
        var isScheduled = new bool[replicas.Length];
        int next = 0;
        while (next < outcomes.Length || events.Count > 0)
        {
            if (next < outcomes.Length && (!events.TryPeek(out _, out double soonest) || trace.Requests[next].Arrival <= soonest))
            {
                TraceRequest request = trace.Requests[next];
                int chosen = routing.Choose(request.Adapter, replicas);
                replicas[chosen].Submit(next++, request, request.Arrival);
                if (!isScheduled[chosen])
                {
                    isScheduled[chosen] = true;
                    events.Enqueue(chosen, request.Arrival);
                }

                continue;
            }

            events.TryDequeue(out int replica, out double now);
            double? again = replicas[replica].Step(now, First, Ended);
            isScheduled[replica] = again is not null;
            if (again is { } then)
            {
                events.Enqueue(replica, then);
            }
        }

        return (outcomes, replicas);
    }
}
