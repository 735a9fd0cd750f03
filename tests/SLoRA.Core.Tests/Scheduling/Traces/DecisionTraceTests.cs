using NUnit.Framework;
using SLoRA.Scheduling;

namespace SLoRA.Core.Tests.Scheduling.Traces;

/// <summary>
/// What the schedulers of S-LoRA and VTC decided, step by step, on recorded workloads: ours decide the same under the same router. A few
/// workloads are fixtures; the environment variable SLORA_TRACES names a folder with more.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class DecisionTraceTests
{
    private static IEnumerable<string> Files()
    {
        string[] folders = [RepositoryFolder.Fixture("traces"), Environment.GetEnvironmentVariable("SLORA_TRACES") ?? ""];
        return folders.Where(Directory.Exists).SelectMany(folder => Directory.EnumerateFiles(folder, "*.json", SearchOption.AllDirectories))
            .Order(StringComparer.Ordinal);
    }

    private static IEnumerable<string> FirstComeFiles() => Files().Where(path => DecisionTrace.Has(path, "fcfs"));

    private static IEnumerable<string> FairFiles() => Files().Where(path => DecisionTrace.Has(path, "vtc"));

    [TestCaseSource(nameof(FirstComeFiles))]
    public void First_come_decides_as_recorded(string path)
    {
        DecisionTrace trace = DecisionTrace.Read(path, "fcfs");

        AssertSame(trace, new ClosedLoop(trace, new FirstCome()).Run(), long.MaxValue);
        AssertSame(trace, new ClosedLoop(trace, Order(new SchedulingPolicy())).Run(), long.MaxValue);
    }

    /// <summary>Up to where the recorded code misses the paper's lift.</summary>
    [TestCaseSource(nameof(FairFiles))]
    public void Fair_shares_decide_as_recorded(string path)
    {
        DecisionTrace trace = DecisionTrace.Read(path, "vtc");

        AssertSame(trace, new ClosedLoop(trace, Order(Fair(trace))).Run(), trace.PaperLiftParts);
    }

    /// <summary>The bound of the paper: 2 · max(w_p · longest prompt, w_q · tokens of the pool) by the smallest weight.</summary>
    [TestCaseSource(nameof(FairFiles))]
    public void Fair_shares_keep_the_gap_of_service_within_the_papers_bound_and_leave_no_room(string path)
    {
        DecisionTrace trace = DecisionTrace.Read(path, "vtc");
        var loop = new ClosedLoop(trace, Order(Fair(trace)));

        Assert.That(loop.Run().Count(), Is.GreaterThan(20));
        double weight = trace.Weights.Values.DefaultIfEmpty(1).Min();
        Assert.That(loop.Gap, Is.LessThanOrEqualTo(2 * Math.Max(trace.Prompts.Max(), 2 * trace.Pool) / weight));
        Assert.That(loop.LeftRoom, Is.False, "somebody waited who could have run");
        TestContext.Out.WriteLine($"gap {loop.Gap:F0}");
    }

    private static SchedulingPolicy Fair(DecisionTrace trace) =>
        new() { Shares = new FairShares { Weights = trace.Weights }, Ageing = TimeSpan.FromDays(1) };

    private static PolicyOrder Order(SchedulingPolicy policy) => new(policy, new Microseconds());

    private static void AssertSame(DecisionTrace trace, IEnumerable<TraceStep> ours, long until)
    {
        int at = 0;
        foreach (TraceStep step in ours)
        {
            if (step.End >= until)
            {
                break;
            }

            Assert.That(at, Is.LessThan(trace.Steps.Count), "the recorded run is over");
            TraceStep recorded = trace.Steps[at];
            Assert.That(step with { End = recorded.End is null ? null : step.End }, Is.EqualTo(recorded), $"step {at}");
            at++;
        }

        Assert.That(until < long.MaxValue ? trace.Steps.Count : at, Is.EqualTo(trace.Steps.Count), "all of it");
        Assert.That(at, Is.GreaterThan(0));
    }

    /// <summary>A clock whose timestamps are microseconds, as those of the traces.</summary>
    private sealed class Microseconds : TimeProvider
    {
        public override long TimestampFrequency => 1_000_000;
    }
}
