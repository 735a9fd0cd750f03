using SLoRA.Evaluation.Systems;
using SLoRA.Evaluation.Workloads;

namespace SLoRA.Evaluation.Runs;

/// <summary>
/// Sends the requests of a trace when their time has come, whatever the system does meanwhile, and lets the system make one step after the
/// other: arrivals are taken between two steps, as an engine's own thread does.
/// </summary>
internal static class OpenLoop
{
    /// <summary>Runs a trace to its last answer.</summary>
    /// <param name="system">What serves.</param>
    /// <param name="trace">What is asked.</param>
    /// <param name="clock">The time, that of the system.</param>
    /// <param name="stepped">Told after each step how long it took.</param>
    /// <returns>What became of each request, in the order of the trace.</returns>
    public static IReadOnlyList<Outcome> Run(
        IServingSystem system, Trace trace, RunClock clock, Action<double>? stepped = null)
    {
        var outcomes = new Outcome[trace.Requests.Count];
        for (int i = 0; i < outcomes.Length; i++)
        {
            TraceRequest request = trace.Requests[i];
            outcomes[i] = new Outcome(i, request.Adapter, request.Prompt, request.Output, request.Arrival, null, null);
        }

        double start = clock.Seconds;
        int next = 0;
        for (int ended = 0; ended < outcomes.Length;)
        {
            double begin = clock.Seconds;
            while (next < outcomes.Length && start + trace.Requests[next].Arrival <= begin)
            {
                system.Submit(next, trace.Requests[next]);
                next++;
            }

            bool worked = system.Step();
            double now = clock.Seconds;
            stepped?.Invoke(now - begin);
            foreach (Progress progress in system.TakeProgress())
            {
                ref Outcome outcome = ref outcomes[progress.Request];
                outcome = outcome with
                {
                    FirstToken = outcome.FirstToken ?? (progress.HasTokens ? now - start : null),
                    End = progress.Ending == Ending.Completed ? now - start : null,
                };
                ended += progress.Ending == Ending.None ? 0 : 1;
            }

            if (!worked && ended < outcomes.Length)
            {
                if (next == outcomes.Length && !system.MayWork)
                {
                    throw new InvalidOperationException($"{outcomes.Length - ended} requests are left that nobody works on.");
                }

                // An arrival, or what a system waits for by itself, comes next.
                double soon = clock.Seconds + system.Patience;
                clock.WaitUntil(next == outcomes.Length ? soon : Math.Min(soon, start + trace.Requests[next].Arrival));
            }
        }

        return outcomes;
    }
}
