using NUnit.Framework;
using SLoRA.Core.Tests.Adapters;
using SLoRA.Core.Tests.Engine;

namespace SLoRA.Core.Tests.Scheduling;

/// <summary>An engine serves by the policy that it was built with.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class SchedulingPolicyTests
{
    private static readonly GenerationRequest Question =
        new() { Prompt = Enumerable.Range(7, 20).ToArray(), MaxTokens = 3, IgnoreEndOfText = true };

    private static readonly (string Option, SchedulingPolicy Policy)[] Impossible =
    [
        ("Scheduling.Policy.Order", new SchedulingPolicy { Order = (ServiceOrder)9 }),
        ("Scheduling.Policy.Ageing", new SchedulingPolicy { Ageing = TimeSpan.Zero }),
        ("Scheduling.Policy.Ageing", new SchedulingPolicy { Ageing = TimeSpan.FromDays(2) }),
        ("Scheduling.Policy.Key", new SchedulingPolicy { Key = (AccountKey)3 }),
        ("Scheduling.Policy.Shares.OutputPrice", Shared(new FairShares { OutputPrice = -1 })),
        ("Scheduling.Policy.Shares.OutputPrice", Shared(new FairShares { OutputPrice = double.NaN })),
        ("Scheduling.Policy.Shares.PageInPrice", Shared(new FairShares { PageInPrice = 1_000_001 })),
        ("Scheduling.Policy.Shares.Slack", Shared(new FairShares { Slack = -1 })),
        ("Scheduling.Policy.Shares.Slack", Shared(new FairShares { Slack = double.NaN })),
        ("Scheduling.Policy.Locality.RunningAdapters", new SchedulingPolicy { Locality = new LocalityPreference { RunningAdapters = 0 } }),
        ("Scheduling.Policy.Quota.RowsPerSecond", new SchedulingPolicy { Quota = new Quota { RowsPerSecond = 0 } }),
        ("Scheduling.Policy.Quota.RowsPerSecond", new SchedulingPolicy { Quota = new Quota { RowsPerSecond = double.PositiveInfinity } }),
        ("Scheduling.Policy.Quota.Burst", new SchedulingPolicy { Quota = new Quota { Burst = 0.5 } }),
        ("Scheduling.Policy.Quota.MaxRunning", new SchedulingPolicy { Quota = new Quota { MaxRunning = 0 } }),
        ("Scheduling.Policy.Quotas", new SchedulingPolicy { Quotas = null! }),
        ("Scheduling.Policy.Quotas['a']", new SchedulingPolicy { Quotas = new Dictionary<string, Quota> { ["a"] = null! } }),
        ("Scheduling.Policy.Quotas['b'].MaxRunning",
            new SchedulingPolicy { Quotas = new Dictionary<string, Quota> { ["b"] = new() { MaxRunning = -1 } } }),
        ("Scheduling.Policy.Shares.Weights", Shared(new FairShares { Weights = null! })),
        ("Scheduling.Policy.Shares.Weights", Shared(new FairShares { Weights = new Dictionary<string, double> { ["a"] = 0 } })),
        ("Scheduling.Policy.Shares.Weights['b']", Shared(new FairShares { Weights = new Dictionary<string, double> { ["b"] = 1e-307 } })),
        ("Scheduling.Policy.Shares.Weights['c']",
            Shared(new FairShares { Weights = new Dictionary<string, double> { ["c"] = double.NaN } })),
    ];

    [Test]
    public void Impossible_values_are_refused_by_name()
    {
        foreach ((string option, SchedulingPolicy policy) in Impossible)
        {
            Assert.That(() => OptionRules.Check(new SchedulingOptions { Policy = policy }),
                Throws.TypeOf<InvalidOptionException>().With.Message.Contains(option));
        }

        Assert.That(() => OptionRules.Check(new SchedulingOptions { Policy = null! }), Throws.TypeOf<InvalidOptionException>());
    }

    [Test]
    public void Weights_are_those_that_there_were_when_the_engine_was_built()
    {
        var weights = new Dictionary<string, double> { ["a"] = 2 };
        SchedulingOptions copy = new SchedulingOptions { Policy = Shared(new FairShares { Weights = weights }) }.Copy();
        weights["a"] = 0;

        Assert.That(copy.Policy.Shares!.Weights["a"], Is.EqualTo(2));
    }

    [Test]
    public void Quotas_are_those_that_there_were_when_the_engine_was_built()
    {
        var quotas = new Dictionary<string, Quota> { ["a"] = new() { MaxRunning = 2 } };
        SchedulingOptions copy = new SchedulingOptions { Policy = new SchedulingPolicy { Quotas = quotas } }.Copy();
        quotas.Clear();

        Assert.That(copy.Policy.Quotas["a"].MaxRunning, Is.EqualTo(2));
        Assert.That(copy.Policy.IsFirstCome, Is.False);
    }

    [Test]
    public void Requests_name_a_priority_and_a_target_that_there_can_be()
    {
        using SteppedEngine engine = Engine(new SchedulingPolicy(), new ManualClock());

        foreach (int priority in new[] { -9, 9 })
        {
            Assert.That(() => engine.Stream(Question with { Priority = priority }), Throws.TypeOf<InvalidRequestException>());
        }

        Assert.That(() => engine.Stream(Question with { Account = new string('a', 257) }), Throws.TypeOf<InvalidRequestException>());
        Assert.That(() => engine.Stream(Question with { FirstTokenTarget = TimeSpan.Zero }), Throws.TypeOf<InvalidRequestException>());
        Assert.That(() => engine.Stream(Question with { FirstTokenTarget = TimeSpan.FromDays(50) }),
            Throws.TypeOf<InvalidRequestException>());
    }

    [Test]
    public void One_client_that_floods_does_not_hold_up_the_other()
    {
        using SteppedEngine engine = Engine(new SchedulingPolicy { Shares = new FairShares() }, new ManualClock());
        Answer[] flood = [.. Enumerable.Range(0, 30).Select(_ => engine.Ask(Question with { ClientId = "flood" }))];
        Answer[] other = [.. Enumerable.Range(0, 3).Select(_ => engine.Ask(Question with { ClientId = "other" }))];

        engine.Finish(other);

        Assert.That(flood.Count(answer => answer.Stream.FinishReason is not null), Is.InRange(2, 4), "one of the one for one of the other");
        engine.Finish(flood);
    }

    [Test]
    public void Higher_priorities_run_first_and_keep_their_places()
    {
        using SteppedEngine engine = Engine(
            new SchedulingPolicy { Priorities = true }, new ManualClock(), running: 9, pages: 20, overCommits: true);
        Answer[] answers = [.. Enumerable.Range(0, 6).Select(i => engine.Ask(Question with { MaxTokens = 100, Priority = i - 3 }))];
        while (engine.Loop.Waiting.All(sequence => !sequence.Request.HasRun))
        {
            engine.Loop.Step();
            Assert.That(engine.Loop.Running.Select(sequence => sequence.Request.Asked.Priority), Is.Ordered.Descending);
        }

        Assert.That(engine.Loop.Waiting.Max(sequence => sequence.Request.Asked.Priority),
            Is.LessThan(engine.Loop.Running.Min(sequence => sequence.Request.Asked.Priority)));
        engine.Finish(answers);
        Assert.That(answers.Select(answer => answer.Tokens.Count), Is.All.EqualTo(100));
    }

    /// <summary>
    /// A request takes three steps of 100 ms for the 20 rows of its prompt, one after the other: thirty take nine seconds.
    /// </summary>
    [Test]
    public void A_request_that_cannot_have_its_first_token_in_time_ends_at_once_and_the_others_do_not()
    {
        var clock = new ManualClock();
        using SteppedEngine engine = Engine(new SchedulingPolicy { AbortsLate = true }, clock);
        Answer[] before = [.. Enumerable.Range(0, 5).Select(_ => engine.Ask(Question))];
        Step(engine, clock, 15);
        engine.Finish(before);
        Answer[] ahead = [.. Enumerable.Range(0, 30).Select(_ => engine.Ask(Question))];
        Answer late = engine.Ask(Question with { FirstTokenTarget = TimeSpan.FromSeconds(4) });
        Answer early = engine.Ask(Question with { FirstTokenTarget = TimeSpan.FromSeconds(20) });
        Step(engine, clock, 2);

        Assert.That(late.Error, Is.TypeOf<FirstTokenTargetException>());
        var error = (FirstTokenTargetException)late.Error!;
        Assert.That((late.Stream.FinishReason, error.Target), Is.EqualTo((FinishReason.FirstTokenTarget, TimeSpan.FromSeconds(4))));
        Assert.That(error.Expected, Is.InRange(TimeSpan.FromSeconds(6), TimeSpan.FromSeconds(12)));
        Assert.That(early.Stream.FinishReason, Is.Null);
        Step(engine, clock, 120);
        engine.Finish([.. ahead, early]);
        Assert.That(early.Tokens, Has.Count.EqualTo(3));
    }

    /// <summary>
    /// Small requests come all the time, take a few steps of 100 ms and go first; the large one needs nearly all pages. Once it has waited
    /// for two seconds it is the next: nobody runs any more who is not running, until those have ended and it has.
    /// </summary>
    [Test]
    public void A_request_that_needs_many_pages_is_not_starved_by_small_ones_and_holds_them_up_no_longer_than_those_run_who_do()
    {
        var clock = new ManualClock();
        var policy = new SchedulingPolicy { Order = ServiceOrder.ShortestFirst, Ageing = TimeSpan.FromSeconds(2) };
        using SteppedEngine engine = Engine(policy, clock, running: 8, pages: 17);
        List<Answer> small = [engine.Ask(Question)];
        Answer large = engine.Ask(Question with { Prompt = new int[20], MaxTokens = 236 });
        int admittedAt = 0;
        int idle = 0;
        int longest = 0;
        for (int step = 0; large.Stream.FinishReason is null; step++)
        {
            while (engine.Status.Waiting < 6)
            {
                small.Add(engine.Ask(Question));
                engine.Loop.Step();
                clock.Advance(TimeSpan.FromMilliseconds(100));
            }

            engine.Loop.Step();
            clock.Advance(TimeSpan.FromMilliseconds(100));
            bool runs = engine.Loop.Running.Any(sequence => sequence.Request.Asked.MaxTokens == 236);
            admittedAt = runs && admittedAt == 0 ? step : admittedAt;
            idle = admittedAt == 0 && engine.Loop.Running.Count < 8 ? idle + 1 : 0;
            longest = Math.Max(longest, idle);
            Assert.That(step, Is.LessThan(1000));
        }

        Assert.That(admittedAt, Is.InRange(1, 20 + 10), "two seconds, and the few steps of those that run");
        Assert.That(longest, Is.LessThanOrEqualTo(10), "the pages of the small ones are free for it by then");
        engine.Finish(small);
        Assert.That(small.Select(answer => answer.Tokens.Count), Is.All.EqualTo(3));
    }

    [TestCase(false)]
    [TestCase(true)]
    public void A_target_that_is_over_ends_a_request_that_waits_for_content_when_nothing_else_happens(bool aborts)
    {
        var clock = new ManualClock();
        using SteppedEngine engine = Engine(new SchedulingPolicy { AbortsLate = aborts, Priorities = true }, clock);
        var package = new GatedPackage("a", SteppedEngine.AdapterFolder("qv"));
        engine.Register(package);
        Answer answer = engine.Ask(Question with { Adapter = "a", FirstTokenTarget = TimeSpan.FromSeconds(5) });
        engine.Loop.Step();
        package.Reached.Wait();
        clock.Advance(TimeSpan.FromSeconds(4));
        engine.Loop.Step();
        Assert.That(answer.Stream.FinishReason, Is.Null);
        clock.Advance(TimeSpan.FromSeconds(2));
        if (aborts)
        {
            engine.Loop.Port.Wait();
        }

        engine.Loop.Step();
        Assert.That(answer.Stream.FinishReason, Is.EqualTo(aborts ? FinishReason.FirstTokenTarget : (FinishReason?)null));
        package.Gate.Set();
        engine.Finish(answer);
    }

    private static SchedulingPolicy Shared(FairShares shares) => new() { Shares = shares };

    private static void Step(SteppedEngine engine, ManualClock clock, int steps)
    {
        for (int i = 0; i < steps; i++)
        {
            engine.Loop.Step();
            clock.Advance(TimeSpan.FromMilliseconds(100));
        }
    }

    private static SteppedEngine Engine(
        SchedulingPolicy policy, ManualClock clock, int running = 1, int? pages = null, bool overCommits = false) =>
        new(builder => builder.UseTimeProvider(clock)
            .ConfigurePool(pool => (pool.Bytes, pool.PrefixReuse) = (pages is { } count ? count * 12288 : pool.Bytes, false))
            .ConfigureScheduling(scheduling =>
                (scheduling.Policy, scheduling.MaxRunning, scheduling.OverCommit, scheduling.OverCommitLookahead) =
                    (policy, running, overCommits, 4)));
}
