using NUnit.Framework;
using SLoRA.Core.Tests.Engine;
using SLoRA.Pool;
using SLoRA.Sampling;
using SLoRA.Scheduling;
using SLoRA.Sequences;

namespace SLoRA.Core.Tests.Scheduling;

/// <summary>Who goes first under each part of a policy, and for how long the others can be held back.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class PolicyOrderTests
{
    private const int Ageing = 1000;

    private static readonly Lazy<SteppedEngine> Engine = new(() => new SteppedEngine());

    private static readonly FairShares ByClient = new() { OutputPrice = 2 };

    private static readonly SchedulingPolicy[] Policies =
    [
        .. from order in Enum.GetValues<ServiceOrder>()
           from priorities in new[] { false, true }
           from shares in new[] { null, ByClient, ByClient with { Slack = 50 }, ByClient with { Preempts = true } }
           from locality in new[] { null, new LocalityPreference { RunningAdapters = 1 } }
           select new SchedulingPolicy { Order = order, Priorities = priorities, Shares = shares, Locality = locality },
    ];

    [TestCase(ServiceOrder.FirstCome, "0 1 2 3")]
    [TestCase(ServiceOrder.LastCome, "3 2 1 0")]
    [TestCase(ServiceOrder.ShortestFirst, "2 0 3 1")]
    public void Requests_that_nothing_else_tells_apart_go_in_the_order_that_was_asked_for(ServiceOrder service, string expected)
    {
        PolicyOrder order = Order(new SchedulingPolicy { Order = service });
        Arrive(order, [Row(0, 5), Row(1, 9), Row(2, 2), Row(3, 7)]);

        Assert.That(Ids(order), Is.EqualTo(expected));
    }

    [Test]
    public void Higher_priorities_go_first_when_they_count()
    {
        Sequence[] Rows() => [Row(0, 1, priority: -8), Row(1, 1), Row(2, 1, priority: 8), Row(3, 1, priority: 8)];
        PolicyOrder order = Order(new SchedulingPolicy { Priorities = true });
        Arrive(order, Rows());
        Assert.That(Ids(order), Is.EqualTo("2 3 1 0"));

        order = Order(new SchedulingPolicy { Order = ServiceOrder.FirstCome });
        Arrive(order, Rows());
        Assert.That(Ids(order), Is.EqualTo("0 1 2 3"));
    }

    /// <summary>In a step, what is admitted counts as if it were charged at once: 10 rows of one for every 5 + 5 of the other.</summary>
    [Test]
    public void Shares_alternate_within_one_step()
    {
        PolicyOrder order = Order(new SchedulingPolicy { Shares = ByClient });
        Arrive(order, [.. Enumerable.Range(0, 6).Select(i => i < 3 ? Row(i, 10, "a") : Row(i, 5, "b"))]);

        Assert.That(Ids(order), Is.EqualTo("0 3 4 1 5 2"));
    }

    [Test]
    public void Weights_divide_what_is_charged()
    {
        var weights = new Dictionary<string, double> { ["a"] = 2 };
        PolicyOrder order = Order(new SchedulingPolicy { Shares = ByClient with { Weights = weights } });
        Arrive(order, [.. Enumerable.Range(0, 6).Select(i => Row(i, 10, i < 4 ? "a" : "b"))]);

        Assert.That(Ids(order), Is.EqualTo("0 4 1 2 5 3"));
    }

    [Test]
    public void Tokens_and_pages_are_charged_at_their_prices()
    {
        PolicyOrder order = Order(new SchedulingPolicy { Shares = ByClient with { PageInPrice = 3 } });
        Sequence[] rows = [Row(0, 1, "a"), Row(1, 1, "b"), Row(2, 1, "a"), Row(3, 1, "b")];
        Arrive(order, rows);
        Admit(order, rows[0], 1);
        Admit(order, rows[1], 2);

        // Of the one two tokens, of the other one token and a mebibyte: 4 against 5.
        order.Charge(rows[0], new Served(0, 2, 0));
        order.Charge(rows[1], new Served(0, 1, 1 << 20));
        order.Begin([], 1);
        Assert.That(Ids(order), Is.EqualTo("2 3"));
        order.Charge(rows[0], new Served(0, 1, 0));
        Assert.That(Ids(order), Is.EqualTo("2 3"), "not in this step");
        order.Begin([], 2);
        Assert.That(Ids(order), Is.EqualTo("3 2"));
    }

    [Test]
    public void Rows_that_are_never_computed_are_given_back_and_rows_computed_once_more_cost_nothing()
    {
        PolicyOrder order = Order(new SchedulingPolicy { Shares = ByClient });
        Sequence[] rows = [Row(0, 100, "a"), Row(1, 50, "b"), Row(2, 1, "a"), Row(3, 1, "b")];
        Arrive(order, rows);
        Admit(order, rows[0], 1);
        Admit(order, rows[1], 2);
        order.Begin([], 1);
        Assert.That(Ids(order), Is.EqualTo("3 2"), "100 against 50");
        order.Charge(rows[0], new Served(20, 0, 0));
        rows[0].Finish(FinishReason.Cancelled);
        order.Charge(rows[1], new Served(50, 0, 0));
        order.Charge(rows[1], new Served(50, 0, 0));
        order.Begin([], 2);

        Assert.That(Ids(order), Is.EqualTo("2 3"), "20 against 50");
    }

    [Test]
    public void Whoever_was_idle_starts_with_the_least_of_those_who_wait_or_with_who_was_served_last()
    {
        PolicyOrder order = Order(new SchedulingPolicy { Shares = ByClient });
        Sequence[] busy = [.. Enumerable.Range(0, 10).Select(i => Row(i, 100, "busy"))];
        Arrive(order, busy);
        for (int i = 0; i < 9; i++)
        {
            Admit(order, busy[i], i + 1);
            order.Charge(busy[i], new Served(100, 0, 0));
            order.Begin([], i);
        }

        Arrive(order, [Row(10, 90, "idle"), Row(11, 90, "idle"), Row(12, 90, "idle")]);
        order.Begin([], 10);
        Assert.That(Ids(order), Is.EqualTo("9 10 11 12"), "both at 900, and a hundred for the first puts it behind the rest");

        foreach (Sequence sequence in Walk(order))
        {
            Admit(order, sequence, 20);
        }

        // Nobody waits, and the one who was idle was served last: at 900 + 270, where the new one starts, and then the one at 1000 too.
        order.Begin([], 11);
        Arrive(order, [Row(13, 150, "new"), Row(14, 1, "new"), Row(15, 100, "busy"), Row(16, 1, "busy")]);
        order.Begin([], 12);
        Assert.That(Ids(order), Is.EqualTo("15 13 16 14"));
    }

    /// <summary>
    /// An adversary hands in requests that go before those that wait, more than can run: shorter, later, of the highest priority, from a
    /// new client each time and for the adapter that runs, and others of the same client. One runs at a time and takes 10 ticks. Once a
    /// request has waited for so long that it is aged, each turn of its flow comes within another such time and one admission for every
    /// flow that waited at the last turn.
    /// </summary>
    [TestCaseSource(nameof(Policies))]
    public void Nobody_waits_longer_than_the_bound_whatever_comes_later(SchedulingPolicy policy)
    {
        const int Ticks = 10;
        PolicyOrder order = Order(policy);
        Sequence[] victims = [.. Enumerable.Range(0, 4).Select(i => Row(i, 900, "victim", priority: -8, adapter: $"cold {i}"))];
        List<Sequence> running = [];
        Arrive(order, victims);
        List<Sequence> waiting = [.. victims];
        int flows = 1;
        long bound = Ageing + Ageing + Ticks;
        for (int step = 0; victims.Any(victim => !victim.Request.HasRun); step++)
        {
            long now = step * Ticks;
            int id = 100 + (3 * step);
            Sequence[] later =
                [Row(id, 1, $"{id}", 8, now), Row(id + 1, 1, "flood", 8, now), Row(id + 2, 1, "victim", -8, now)];
            order.Begin(running, now);
            Arrive(order, later);
            waiting.AddRange(later);
            order.Begin(running, now);
            Sequence next = order.NextReady(null)!;
            Admit(order, next, step + 1);
            running = [next];
            waiting.Remove(next);
            order.Charge(next, new Served(0, 1, 0));
            if (now <= Ageing || victims.Contains(next))
            {
                flows = waiting.DistinctBy(one => (one.Request.Asked.ClientId, one.Request.Asked.Priority)).Count();
                bound = Math.Max(now, Ageing) + Ageing + (Ticks * (flows + 1));
            }

            Assert.That(now, Is.LessThanOrEqualTo(bound));
        }
    }

    [Test]
    public void Adapters_in_use_go_first_once_there_are_so_many_of_them()
    {
        PolicyOrder order = Order(new SchedulingPolicy { Locality = new LocalityPreference { RunningAdapters = 2 } });
        Sequence[] running = [Row(0, 1, adapter: "a"), Row(1, 1, adapter: "b")];
        Arrive(order, [.. running, Row(2, 1), Row(3, 1, adapter: "b"), Row(4, 1, adapter: "c"), Row(5, 1, adapter: "a")]);
        Admit(order, running[0], 1);
        order.Begin(running[..1], 1);
        order.Leave(running[1]);
        Assert.That(Ids(order), Is.EqualTo("2 3 4 5"), "one adapter is in use, beside which none is preferred");

        order = Order(new SchedulingPolicy { Locality = new LocalityPreference { RunningAdapters = 2 } });
        running = [Row(0, 1, adapter: "a"), Row(1, 1, adapter: "b")];
        Arrive(order, [.. running, Row(2, 1), Row(3, 1, adapter: "b"), Row(4, 1, adapter: "c"), Row(5, 1, adapter: "a")]);
        Admit(order, running[0], 1);
        Admit(order, running[1], 2);
        order.Begin(running, 1);
        Assert.That(Ids(order), Is.EqualTo("3 5 2 4"));
        order.Begin(running[1..], 2);
        Assert.That(Ids(order), Is.EqualTo("2 3 4 5"), "and then one is over");
    }

    /// <summary>
    /// Of two accounts in one interval of 100 rows the one goes first whose adapter is in use, beyond it the other one. Without slack it
    /// goes first as often as both have been given the same.
    /// </summary>
    [TestCase(0, "2 1 4 3 6 5")]
    [TestCase(100, "2 4 6 1 3 5")]
    public void Slack_lets_locality_go_before_shares_as_far_as_it_reaches(int slack, string expected)
    {
        PolicyOrder order = Order(new SchedulingPolicy
        {
            Shares = ByClient with { Slack = slack },
            Locality = new LocalityPreference { RunningAdapters = 1 },
        });
        Sequence running = Row(0, 1, "other", adapter: "hot");
        Arrive(order, [running, .. Enumerable.Range(1, 6).Select(i => i % 2 == 1
            ? Row(i, 40, "cold", adapter: "cold")
            : Row(i, 40, "hot", adapter: "hot"))]);
        Admit(order, running, 1);
        order.Begin([running], 1);

        Assert.That(Ids(order), Is.EqualTo(expected));
    }

    [Test]
    public void An_account_beyond_its_quota_is_passed_over_until_it_may_and_is_told_when()
    {
        PolicyOrder order = Order(new SchedulingPolicy
        {
            Quotas = new Dictionary<string, Quota>
            {
                ["rows"] = new() { RowsPerSecond = 100, Burst = 30 },
                ["two"] = new() { MaxRunning = 2 },
            },
        });
        Sequence[] rows =
            [.. Enumerable.Range(0, 3).Select(i => Row(i, 16, "rows")), .. Enumerable.Range(3, 4).Select(i => Row(i, 9, "two"))];
        Arrive(order, [.. rows, Row(7, 1, "free")]);
        order.Begin([], 0);
        Assert.That(Ids(order), Is.EqualTo("0 3 4 7"), "20 of 30 rows for the one, two for the other; the rest wait in one walk already");
        Assert.That((order.Count, order.Ready, order.OverQuota), Is.EqualTo((8, 8, 4)));
        foreach (int id in new[] { 0, 3, 4 })
        {
            Admit(order, rows[id], id + 1);
        }

        Sequence[] running = [rows[0], rows[3], rows[4]];
        order.Begin(running, 50);
        Assert.That(Ids(order), Is.EqualTo("7"), "five rows have come in, ten were left, and twenty are needed");
        Assert.That(order.NextChange, Is.EqualTo(100));
        order.Begin(running, 100);
        Assert.That(Ids(order), Is.EqualTo("1 7"));

        // One of the two has ended, and the one that was charged 20 rows after it had computed 4.
        order.Charge(rows[0], new Served(4, 0, 0));
        order.Begin([rows[4]], 100);
        Assert.That(Ids(order), Is.EqualTo("1 5 7"), "20 + 16 are 30 at most, and that is one and a half");
        order.Begin([rows[4]], 500);
        Assert.That(Ids(order), Is.EqualTo("1 5 7"), "no more is saved up");
    }

    [Test]
    public void A_request_that_needs_more_than_can_be_saved_up_takes_all_and_the_next_waits_for_what_is_owed()
    {
        PolicyOrder order = Order(new SchedulingPolicy { Quota = new Quota { RowsPerSecond = 100, Burst = 30 } });
        Sequence[] rows = [Row(0, 96), Row(1, 1)];
        Arrive(order, rows);
        order.Begin([], 0);
        Assert.That(Ids(order), Is.EqualTo("0"));
        Admit(order, rows[0], 1);
        order.Begin([rows[0]], 10);

        Assert.That(Ids(order), Is.Empty);
        Assert.That(order.NextChange, Is.EqualTo(750), "70 are owed and 5 needed");
    }

    [Test]
    public void Time_beyond_its_quota_does_not_age_a_request()
    {
        PolicyOrder order = Order(new SchedulingPolicy
        {
            Priorities = true,
            Quotas = new Dictionary<string, Quota> { ["slow"] = new() { MaxRunning = 1 } },
        });
        Sequence[] slow = [Row(0, 1, "slow"), Row(1, 1, "slow")];
        Arrive(order, slow);
        order.Begin([], 0);
        Admit(order, slow[0], 1);
        order.Begin([slow[0]], 1);
        Assert.That(Ids(order), Is.Empty);
        Arrive(order, [Row(2, 1, "fast", 1, 5 * Ageing)]);
        order.Begin([], 5 * Ageing);

        Assert.That(Ids(order), Is.EqualTo("2 1"));
    }

    [TestCase(AccountKey.Client, "0 2 1")]
    [TestCase(AccountKey.Adapter, "0 1 2")]
    [TestCase(AccountKey.Account, "0 1 2")]
    public void Accounts_are_clients_adapters_or_what_the_request_names(AccountKey key, string expected)
    {
        static Sequence Asked(int id, string client, string? account, string adapter)
        {
            var asked = new GenerationRequest { Prompt = new int[9], ClientId = client, Account = account, Adapter = adapter };
            var stream = new GenerationStream(Engine.Value.Loop.Port, asked, 4, default);
            var request = new RequestState(stream, [], new StopRules([], [], false, 4), 1, 0) { Arrival = id + 1 };
            return new Sequence(request, new PageTable(new PagePool(1), new TableShape(16)));
        }

        PolicyOrder order = Order(new SchedulingPolicy { Key = key, Shares = ByClient });
        Arrive(order, [Asked(0, "a", "x", "p"), Asked(1, "a", "y", "q"), Asked(2, "x", null, "p")]);

        Assert.That(Ids(order), Is.EqualTo(expected));
    }

    /// <summary>Clients that come once and never again, with a quota that they have used up, and one who stays in debt.</summary>
    [Test]
    public void What_is_remembered_of_clients_is_bounded_and_debts_are_not_forgotten()
    {
        PolicyOrder order = new(
            new SchedulingPolicy
            {
                Shares = ByClient,
                Locality = new LocalityPreference { RunningAdapters = 1 },
                Quota = new Quota { RowsPerSecond = 1000, Burst = 10 },
                Quotas = new Dictionary<string, Quota> { ["debtor"] = new() { RowsPerSecond = 1e-3, Burst = 5 } },
            },
            new Milliseconds { Now = 1_000_000 },
            maxAccountNames: 3);
        Sequence debtor = Row(0, 1, "debtor");
        Pass(debtor, 0);
        for (int i = 1; i < 2 * Accounts.MaxIdle; i++)
        {
            Pass(Row(i, 1, $"client {i}", adapter: $"adapter {i}"), 10 * i);
        }

        Assert.That(order.AccountCount, Is.InRange(Accounts.MaxIdle, Accounts.MaxIdle + 3));
        Assert.That(order.AffinityCount, Is.LessThan(50));
        Assert.That(order.Accounts!.Count, Is.EqualTo(4));
        Arrive(order, [Row(50_000, 1, "debtor"), Row(50_001, 1, "client 5")]);
        order.Begin([], 400_000);
        Assert.That(Ids(order), Is.EqualTo("50001"));

        void Pass(Sequence sequence, long now)
        {
            Arrive(order, [sequence]);
            order.Begin([], now);
            Assert.That(order.NextReady(null), Is.SameAs(sequence));
            Admit(order, sequence, sequence.Request.Arrival);
            order.Charge(sequence, new Served(1, 4, 0));
        }
    }

    [Test]
    public void What_is_shared_among_some_does_not_depend_on_the_others()
    {
        string Of(string[] clients)
        {
            PolicyOrder order = Order(new SchedulingPolicy { Shares = ByClient });
            Arrive(order,
            [
                .. Enumerable.Range(0, 60).Select(i => Row(i, 1 + (i * 7 % 13), $"{i % 5}"))
                    .Where(row => clients.Contains(row.Request.Asked.ClientId)),
            ]);
            return string.Join(' ', Walk(order).Where(sequence => sequence.Request.Asked.ClientId is "0" or "1").Select(Id));
        }

        Assert.That(Of(["0", "1"]), Is.EqualTo(Of(["0", "1", "2", "3", "4"])));
    }

    [TestCaseSource(nameof(Policies))]
    public void A_step_allocates_nothing(SchedulingPolicy policy)
    {
        PolicyOrder order = Order(policy with { Quota = new Quota { RowsPerSecond = 1000, MaxRunning = 20 } });
        Sequence[] running = [.. Enumerable.Range(0, 32).Select(i => Row(i, 5, $"{i % 7}", adapter: $"{i % 6}"))];
        Arrive(order, running);
        foreach (Sequence sequence in running)
        {
            Admit(order, sequence, sequence.Request.Arrival);
        }

        Arrive(order, [.. Enumerable.Range(100, 500).Select(i => Row(i, 5, $"{i % 40}", i % 3, adapter: $"{i % 9}"))]);
        Sequence[] fewer = running[..16];
        long allocated = long.MaxValue;
        for (int now = 0; now < 60; now++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            order.Begin(now % 2 == 0 ? running : fewer, now);
            Sequence? next = order.NextReady(null);
            for (int i = 0; i < 64 && next is not null; i++)
            {
                next = order.NextReady(next);
            }

            foreach (Sequence sequence in running)
            {
                order.Charge(sequence, new Served(1, 1, 100));
            }

            _ = order.Expired(now);
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Assert.That(allocated, Is.Zero);
    }

    private static PolicyOrder Order(SchedulingPolicy policy) =>
        new(policy with { Ageing = TimeSpan.FromMilliseconds(Ageing) }, new Milliseconds());

    private static void Arrive(PolicyOrder order, Sequence[] rows)
    {
        foreach (Sequence row in rows)
        {
            order.Arrive(row, true);
        }
    }

    private static void Admit(PolicyOrder order, Sequence sequence, long admission)
    {
        order.Admit(sequence);
        sequence.Request.FirstAdmission = admission;
    }

    private static long Id(Sequence sequence) => sequence.Request.Arrival - 1;

    private static string Ids(PolicyOrder order) => string.Join(' ', Walk(order).Select(Id));

    private static List<Sequence> Walk(PolicyOrder order)
    {
        List<Sequence> walked = [];
        for (Sequence? next = order.NextReady(null); next is not null; next = order.NextReady(next))
        {
            walked.Add(next);
        }

        return walked;
    }

    private static Sequence Row(
        int id, int prompt, string? client = null, int priority = 0, long arrived = 0, string? adapter = null, int limit = 4)
    {
        var asked = new GenerationRequest { Prompt = new int[prompt], ClientId = client, Priority = priority, Adapter = adapter };
        var stream = new GenerationStream(Engine.Value.Loop.Port, asked, limit, default);
        var request = new RequestState(stream, [], new StopRules([], [], false, limit), 1, arrived) { Arrival = id + 1 };
        return new Sequence(request, new PageTable(new PagePool(1), new TableShape(16)));
    }

    private sealed class Milliseconds : TimeProvider
    {
        public long Now { get; init; }

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => Now;
    }
}
