using NUnit.Framework;
using SLoRA.Core.Tests.Engine;

namespace SLoRA.Core.Tests.Scheduling;

/// <summary>An engine that limits what it does for an account.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class QuotaTests
{
    private static readonly GenerationRequest Question =
        new() { Prompt = Enumerable.Range(7, 20).ToArray(), MaxTokens = 5, IgnoreEndOfText = true };

    [TestCase(false)]
    [TestCase(true)]
    public void No_more_sequences_of_an_account_run_than_its_quota_says_preempted_ones_included(bool overCommits)
    {
        using SteppedEngine engine = Engine(new Quota { MaxRunning = 3 }, new ManualClock(), overCommits);
        Answer[] limited = [.. Enumerable.Range(0, 9).Select(i => engine.Ask(Question with
        {
            ClientId = "limited",
            Continuations = 1 + (i % 2),
            MaxTokens = 60,
        }))];
        Answer[] others = [.. Enumerable.Range(0, 6).Select(i => engine.Ask(Question with { ClientId = $"{i}", MaxTokens = 40 }))];
        int most = 0;
        while (limited.Concat(others).Any(answer => answer.Stream.FinishReason is null))
        {
            engine.Loop.Step();
            int running = engine.Loop.Running.Concat(engine.Loop.Waiting.Where(sequence => sequence.Request.HasRun))
                .Count(sequence => sequence.Request.Asked.ClientId == "limited" && sequence.Finished is null);
            Assert.That(running, Is.LessThanOrEqualTo(3));
            most = Math.Max(most, running);
        }

        Assert.That(most, Is.EqualTo(3));
        Assert.That(engine.Status.Preemptions, overCommits ? Is.GreaterThan(0) : Is.Zero);
        Assert.That(limited.Sum(answer => answer.Items.Count), Is.EqualTo((5 + (4 * 2)) * 60));
    }

    /// <summary>
    /// Each takes 25 rows of the bucket and computes 24 of them: the last token needs no row. 100 are there and 50 come in every second.
    /// </summary>
    [Test]
    public void Rows_per_second_are_never_exceeded_and_requests_go_on_when_they_have_come_in()
    {
        var clock = new ManualClock();
        using SteppedEngine engine = Engine(new Quota { RowsPerSecond = 50, Burst = 100 }, clock);
        Answer[] answers = [.. Enumerable.Range(0, 12).Select(_ => engine.Ask(Question with { ClientId = "limited" }))];
        int steps = 0;
        for (int tenths = 0; answers.Any(answer => answer.Stream.FinishReason is null); tenths++)
        {
            while (engine.Loop.Step())
            {
                steps++;
            }

            Assert.That(engine.Status.ComputedTokens, Is.LessThanOrEqualTo(100 + (5 * tenths)));
            Assert.That(engine.Status.Queue.ForQuota, Is.EqualTo(engine.Status.Waiting));
            Assert.That(tenths, Is.LessThan(50), "12 · 25 rows need (300 − 100) / 50 seconds, less what comes back");
            clock.Advance(TimeSpan.FromSeconds(0.1));
        }

        Assert.That(engine.Status.ComputedTokens, Is.EqualTo(12 * 24));
    }

    [Test]
    public void An_idle_engine_is_woken_when_rows_have_come_in()
    {
        var clock = new ManualClock();
        using SteppedEngine engine = Engine(new Quota { RowsPerSecond = 50, Burst = 100 }, clock);
        Answer[] answers = [.. Enumerable.Range(0, 5).Select(_ => engine.Ask(Question with { ClientId = "limited" }))];
        while (engine.Loop.Step())
        {
        }

        // What the requests themselves have posted wakes it once.
        engine.Loop.Port.Wait();
        Assert.That(engine.Status.Waiting, Is.EqualTo(1));
        Task woken = Task.Run(engine.Loop.Port.Wait);
        clock.Advance(TimeSpan.FromSeconds(0.3));
        Assert.That(woken.IsCompleted, Is.False, "21 rows are missing, 15 have come in");
        clock.Advance(TimeSpan.FromSeconds(0.3));
        Assert.That(woken.Wait(TimeSpan.FromSeconds(30)), Is.True);
        engine.Finish(answers);
    }

    [Test]
    public void Accounts_are_told_of_by_name_as_many_as_may_and_the_others_together()
    {
        var clock = new ManualClock();
        using var engine = new SteppedEngine(builder => builder.UseTimeProvider(clock)
            .ConfigurePool(pool => pool.PrefixReuse = false)
            .ConfigureMetrics(metrics => metrics.MaxAccountTags = 2)
            .ConfigureScheduling(scheduling => (scheduling.MaxRunning, scheduling.Policy) = (1, new SchedulingPolicy
            {
                Key = AccountKey.Account,
                Shares = new FairShares { Weights = new Dictionary<string, double> { ["a"] = 2 } },
                AbortsLate = true,
            })));
        Answer first = engine.Ask(Question with { Account = "a" });
        engine.Loop.Step();
        engine.Finish(first);
        Answer running = engine.Ask(Question with { Account = "a" });
        engine.Loop.Step();
        clock.Advance(TimeSpan.FromSeconds(3));
        Answer[] waiting = [.. "abcd".Select(name => engine.Ask(Question with
        {
            Account = $"{name}",
            FirstTokenTarget = name == 'b' ? TimeSpan.FromSeconds(1) : null,
        }))];
        engine.Loop.Step();
        clock.Advance(TimeSpan.FromSeconds(2));
        engine.Loop.Step();

        IReadOnlyList<AccountStatus> accounts = engine.Status.Accounts;
        Assert.That(accounts.Select(account => account.Name), Is.EqualTo(new[] { "a", "b", "_OTHER" }));
        Assert.That(accounts.Select(account => account.Waiting), Is.EqualTo(new[] { 1, 0, 2 }));
        Assert.That(accounts.Select(account => account.OldestWait.TotalSeconds), Is.EqualTo(new[] { 2.0, 0, 2 }));
        Assert.That(accounts.Select(account => account.AbortedRequests), Is.EqualTo(new[] { 0L, 1, 0 }));
        int tokens = first.Tokens.Count + (int)accounts[0].GeneratedTokens - 5;
        Assert.That(accounts[0].PromptTokens, Is.EqualTo(2 * 19), "the last row of a prompt gives a token");
        Assert.That(accounts[0].Counter, Is.EqualTo(((2 * 20) + (2 * tokens)) / 2), "by a weight of two");
        engine.Finish([running, .. waiting]);
        engine.Loop.Step();
        Assert.That(engine.Status.Accounts.Sum(account => account.GeneratedTokens), Is.EqualTo(5 * 5));
        Assert.That(engine.Status.Accounts.Sum(account => account.Waiting), Is.Zero);
    }

    [Test]
    public void Without_accounts_there_is_nothing_to_tell()
    {
        using var engine = new SteppedEngine(builder =>
            builder.ConfigureScheduling(scheduling => scheduling.Policy = new SchedulingPolicy { Order = ServiceOrder.LastCome }));
        engine.Finish(engine.Ask(Question));

        Assert.That(engine.Status.Accounts, Is.Empty);
    }

    private static SteppedEngine Engine(Quota quota, ManualClock clock, bool overCommits = false) =>
        new(builder => builder.UseTimeProvider(clock)
            .ConfigurePool(pool => (pool.Bytes, pool.PrefixReuse) = ((overCommits ? 20 : 40) * 12288, false))
            .ConfigureScheduling(scheduling =>
            {
                scheduling.MaxRunning = 8;
                scheduling.OverCommit = overCommits;
                scheduling.OverCommitLookahead = 4;
                scheduling.Policy = new SchedulingPolicy { Quotas = new Dictionary<string, Quota> { ["limited"] = quota } };
            }));
}
