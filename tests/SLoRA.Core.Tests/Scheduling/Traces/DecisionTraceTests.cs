using System.Globalization;
using NUnit.Framework;
using SLoRA.Scheduling;

namespace SLoRA.Core.Tests.Scheduling.Traces;

/// <summary>
/// What the schedulers of S-LoRA and VTC decided, step by step, on recorded workloads: ours decide the same under the same router. Some
/// workloads are fixtures; the environment variable SLORA_TRACES names a folder with more.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class DecisionTraceTests
{
    /// <summary>Six seconds, less half a second that a prompt is taken to need.</summary>
    private static readonly TimeSpan RecordedTarget = TimeSpan.FromSeconds(5.5);

    private static readonly string Fixtures = RepositoryFolder.Fixture("traces");

    private static IEnumerable<TestCaseData> Traces() =>
        from path in Files()
        from policy in DecisionTrace.Policies(path)
        where IsKept(policy)
        select Case(path, policy);

    private static IEnumerable<TestCaseData> FairTraces() => TracesOf("vtc");

    private static IEnumerable<TestCaseData> AbortTraces() => TracesOf("abort");

    private static IEnumerable<TestCaseData> TracesOf(string policy) =>
        Files().Where(path => DecisionTrace.Policies(path).Contains(policy)).Select(path => Case(path, policy));

    /// <summary>
    /// All steps, but for those that follow from the recorded code's lift: "paper_lift_parts" says from when on the paper's decides
    /// otherwise, and ours is the paper's.
    /// </summary>
    [TestCaseSource(nameof(Traces))]
    public void It_decides_as_recorded(string path, string policy)
    {
        DecisionTrace trace = DecisionTrace.Read(path, policy);
        (SchedulingPolicy ours, RouterHabits router) = OursFor(policy, trace);

        AssertSame(trace, new ClosedLoop(trace, Order(ours), router).Run());
        if (ours.IsFirstCome)
        {
            AssertSame(trace, new ClosedLoop(trace, new FirstCome(), router).Run());
        }
    }

    /// <summary>
    /// The bound of the papers: 2 · (max(w_p · longest prompt, w_q · tokens of the pool) by the smallest weight + slack).
    /// </summary>
    [TestCaseSource(nameof(FairTraces))]
    public void Fair_shares_keep_the_gap_of_service_within_the_papers_bound_and_leave_no_room(string path, string policy)
    {
        DecisionTrace trace = DecisionTrace.Read(path, policy);
        foreach (double slack in new[] { 0, 50, 500 })
        {
            SchedulingPolicy fair = Fair(trace) with { Locality = slack > 0 ? new LocalityPreference { RunningAdapters = 1 } : null };
            var loop = new ClosedLoop(trace, Order(fair with { Shares = fair.Shares! with { Slack = slack } }));

            Assert.That(loop.Run().Count(), Is.GreaterThan(20));
            double weight = trace.Weights.Values.DefaultIfEmpty(1).Min();
            Assert.That(loop.Gap, Is.LessThanOrEqualTo(2 * ((Math.Max(trace.Prompts.Max(), 2 * trace.Pool) / weight) + slack)));
            Assert.That(loop.LeftRoom, Is.False, "somebody waited who could have run");
            TestContext.Out.WriteLine($"slack {slack}: gap {loop.Gap:F0}");
        }
    }

    /// <summary>
    /// What the recorded early abort is for: requests that have their first token within six seconds. Ours gives up by the measured rate.
    /// Where one request takes more than half of the pool, first come waits for it, as it must; there the shortest go first.
    /// </summary>
    [TestCaseSource(nameof(AbortTraces))]
    public void Early_abort_by_measured_rates_serves_at_least_as_many_in_time_as_recorded(string path, string policy)
    {
        DecisionTrace trace = DecisionTrace.Read(path, policy);
        var target = TimeSpan.FromSeconds(6);
        bool hasGiants = trace.Prompts.Zip(trace.Limits, (prompt, limit) => prompt + limit).Max() > trace.Pool / 2;
        ServiceOrder service = hasGiants ? ServiceOrder.ShortestFirst : ServiceOrder.FirstCome;
        var ours = new SchedulingPolicy { AbortsLate = true, Order = service };
        var router = new RouterHabits { FirstTokenTarget = target, AttemptsAlways = true };

        int inTime = trace.InTime(new ClosedLoop(trace, Order(ours), router).Run(), (long)target.TotalMicroseconds);

        TestContext.Out.WriteLine($"{inTime} of {trace.Arrivals.Count}, recorded {trace.InTime(trace.Steps, 6_000_000)}");
        Assert.That(inTime, Is.GreaterThanOrEqualTo(trace.InTime(trace.Steps, 6_000_000)));
    }

    private static IEnumerable<string> Files() =>
        new[] { Fixtures, Environment.GetEnvironmentVariable("SLORA_TRACES") ?? "" }
            .Where(Directory.Exists)
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*.json", SearchOption.AllDirectories)).Order(StringComparer.Ordinal);

    private static TestCaseData Case(string path, string policy)
    {
        string name = path.StartsWith(Fixtures, StringComparison.Ordinal) ? Path.GetRelativePath(Fixtures, path) : path;
        return new TestCaseData(path, policy).SetArgDisplayNames(name, policy);
    }

    /// <summary>
    /// Those that have a place in our record: first come, shares, adapter clustering and early abort. The others are variants of counters
    /// that promise less (no lift, a lift to the maximum, predicted lengths, another price), or refuse, or run one adapter at a time.
    /// </summary>
    private static bool IsKept(string policy) =>
        policy is "fcfs" or "vtc" or "vtc-artifact" or "abort" || policy.StartsWith("cluster-", StringComparison.Ordinal);

    private static (SchedulingPolicy Policy, RouterHabits Router) OursFor(string policy, DecisionTrace trace)
    {
        var forever = TimeSpan.FromDays(1);
        if (policy.StartsWith("cluster-", StringComparison.Ordinal))
        {
            int distinct = int.Parse(policy["cluster-".Length..], CultureInfo.InvariantCulture);
            var adapters = new LocalityPreference { RunningAdapters = distinct, ResidentAdapters = false, CachedPrefixes = false };
            return (new SchedulingPolicy { Locality = adapters, Ageing = forever }, new RouterHabits { Clusters = distinct });
        }

        return policy switch
        {
            "fcfs" => (new SchedulingPolicy(), new RouterHabits()),
            "vtc" => (Fair(trace), new RouterHabits()),
            "vtc-artifact" => (Fair(trace), new RouterHabits { ChargesTwiceAtEnds = true }),
            _ => (new SchedulingPolicy { Order = ServiceOrder.LastCome, AbortsLate = true, Ageing = forever },
                new RouterHabits { Charges = false, TurnsRound = true, FirstTokenTarget = RecordedTarget }),
        };
    }

    private static SchedulingPolicy Fair(DecisionTrace trace) =>
        new() { Shares = new FairShares { Weights = trace.Weights }, Ageing = TimeSpan.FromDays(1) };

    private static PolicyOrder Order(SchedulingPolicy policy) => new(policy, new Microseconds());

    private static void AssertSame(DecisionTrace trace, IEnumerable<TraceStep> ours)
    {
        int at = 0;
        long until = trace.PaperLiftParts;
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
        TestContext.Out.WriteLine($"{at} of {trace.Steps.Count} steps");
    }

    /// <summary>A clock whose timestamps are microseconds, as those of the traces.</summary>
    private sealed class Microseconds : TimeProvider
    {
        public override long TimestampFrequency => 1_000_000;
    }
}
