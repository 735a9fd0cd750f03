using NUnit.Framework;
using SLoRA.Adapters.Resident;
using SLoRA.Core.Tests.Engine;
using SLoRA.Pool;
using SLoRA.Sampling;
using SLoRA.Scheduling;
using SLoRA.Sequences;

namespace SLoRA.Core.Tests.Scheduling;

/// <summary>What every order promises, whatever it is: the engine's own and two that are nothing like it.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class QueueOrderTests
{
    private static readonly string?[] Adapters = [null, "a", "b"];

    [Test]
    public void It_walks_those_who_wait_as_it_compares_them_and_changes_when_a_step_begins(
        [Values("first", "last", "least", "policy", "shares", "preempts", "shortest")] string name, [Values(1, 2, 3)] int seed)
    {
        using var engine = new SteppedEngine();
        IQueueOrder order = New(name);
        var random = new Random(seed);
        List<Sequence> waiting = [];
        List<Sequence> running = [];
        HashSet<Sequence> unready = [];
        long arrivals = 0;
        long admissions = 0;
        for (int step = 0; step < 300; step++)
        {
            order.Begin(running, step);
            Sequence[] stood = [.. Walk(order.Next)];
            for (int i = random.Next(5); i > 0; i--)
            {
                int at = random.Next(Math.Max(1, waiting.Count));
                switch (random.Next(8))
                {
                    case 0 or 1 or 2:
                        Sequence sequence = Sequence(engine, Adapters[random.Next(Adapters.Length)], ++arrivals);
                        bool isReady = random.Next(3) > 0;
                        order.Arrive(sequence, isReady);
                        waiting.Add(sequence);
                        _ = isReady || unready.Add(sequence);
                        break;
                    case 3 or 7 when waiting.Count > 0:
                        order.Admit(waiting[at]);
                        RequestState request = waiting[at].Request;
                        request.FirstAdmission = request.HasRun ? request.FirstAdmission : ++admissions;
                        running.Add(waiting[at]);
                        unready.Remove(waiting[at]);
                        waiting.RemoveAt(at);
                        if (running.Count > 12)
                        {
                            running.RemoveAt(0);
                        }

                        break;
                    case 4 when waiting.Count > 0:
                        order.Leave(waiting[at]);
                        unready.Remove(waiting[at]);
                        waiting.RemoveAt(at);
                        break;
                    case 5 when waiting.Count > 0 && !waiting[at].Request.HasRun:
                        bool becomesReady = random.Next(2) == 0;
                        order.SetReady(waiting[at], becomesReady);
                        _ = becomesReady ? unready.Remove(waiting[at]) : unready.Add(waiting[at]);
                        break;
                    case 6 when running.Count > 0:
                        int victim = random.Next(running.Count);
                        order.Return(running[victim]);
                        waiting.Add(running[victim]);
                        running.RemoveAt(victim);
                        break;
                }
            }

            foreach (Sequence sequence in running)
            {
                order.Charge(sequence, new Served(random.Next(8), random.Next(2), 0));
            }

            Sequence[] all = [.. Walk(order.Next)];
            Assert.That(all.ToHashSet().SetEquals(waiting) && all.Length == waiting.Count, Is.True, "everybody who waits, once");
            Assert.That(Walk(order.NextReady).SequenceEqual(all.Where(sequence => !unready.Contains(sequence))), Is.True);
            Assert.That((order.Count, order.Ready), Is.EqualTo((waiting.Count, waiting.Count - unready.Count)));
            Assert.That(all.Zip(all.Skip(1), order.Compare).All(sign => sign < 0), Is.True);
            HashSet<Sequence> stayed = [.. all.Intersect(stood).Where(sequence => !sequence.Request.HasRun)];
            Assert.That(all.Where(stayed.Contains).SequenceEqual(stood.Where(stayed.Contains)), Is.True, "whatever was charged meanwhile");
            foreach (Sequence one in waiting.Concat(running).Take(6))
            {
                Assert.That(running.Select(other => Math.Sign(order.Compare(one, other)) + Math.Sign(order.Compare(other, one))),
                    Is.All.Zero);
            }
        }

        Assert.That(admissions, Is.GreaterThan(20));
    }

    [Test]
    public void First_come_is_first_served_and_those_preempted_go_before_all_in_their_old_order()
    {
        using var engine = new SteppedEngine();
        var order = new FirstCome();
        Sequence[] all = [.. Enumerable.Range(1, 6).Select(i => Sequence(engine, null, i))];
        foreach (Sequence sequence in all)
        {
            order.Arrive(sequence, true);
        }

        foreach ((Sequence sequence, int admission) in new[] { (all[3], 1), (all[1], 2), (all[0], 3) })
        {
            order.Admit(sequence);
            sequence.Request.FirstAdmission = admission;
        }

        order.Return(all[0]);
        order.Return(all[3]);

        Assert.That(Walk(order.Next), Is.EqualTo(new[] { all[3], all[0], all[2], all[4], all[5] }));
        order.SetReady(all[2], false);
        Assert.That(Walk(order.NextReady), Is.EqualTo(new[] { all[3], all[0], all[4], all[5] }));
        Assert.That(order.Compare(all[1], all[0]), Is.Negative, "it runs and was admitted before");
        Assert.That(order.Expired(long.MaxValue), Is.Empty);
        Preload preload = new(new Lease(new AdapterRegistration("p", null, true), 1, new LeaseCount()), false, 4, default);
        Assert.That(all.Select(sequence => order.GoesBefore(preload, sequence)),
            Is.EqualTo(new[] { false, false, false, false, true, true }), "those that have run are not asked to wait for it");
    }

    [Test]
    public void A_walk_goes_on_behind_whoever_has_left()
    {
        using var engine = new SteppedEngine();
        var order = new FirstCome();
        Sequence[] all = [.. Enumerable.Range(1, 200).Select(i => Sequence(engine, null, i))];
        foreach (Sequence sequence in all)
        {
            order.Arrive(sequence, true);
        }

        List<Sequence> seen = [];
        for (Sequence? next = order.NextReady(null); next is not null; next = order.NextReady(next))
        {
            seen.Add(next);
            order.Admit(next);
            next.Request.FirstAdmission = seen.Count;
            if (seen.Count % 3 == 0)
            {
                order.Return(next);
            }
        }

        Assert.That(seen.Distinct(), Is.EqualTo(all));
        Assert.That(order.Count, Is.EqualTo(all.Length / 3));
    }

    private static IQueueOrder New(string name) => name switch
    {
        "first" => new FirstCome(),
        "last" => new LastCome(),
        "policy" => new PolicyOrder(new SchedulingPolicy(), TimeProvider.System),
        "shares" => new PolicyOrder(
            new SchedulingPolicy
            {
                Key = AccountKey.Adapter,
                Shares = new FairShares { Weights = new Dictionary<string, double> { ["b"] = 3 } },
            },
            TimeProvider.System),
        "preempts" => new PolicyOrder(
            new SchedulingPolicy
            {
                Key = AccountKey.Adapter,
                Shares = new FairShares { Preempts = true },
                Ageing = TimeSpan.FromSeconds(20.0 / TimeProvider.System.TimestampFrequency),
            },
            TimeProvider.System),
        "shortest" => new PolicyOrder(
            new SchedulingPolicy
            {
                Order = ServiceOrder.ShortestFirst,
                Priorities = true,
                Key = AccountKey.Adapter,
                Shares = new FairShares(),
                Ageing = TimeSpan.FromSeconds(200.0 / TimeProvider.System.TimestampFrequency),
            },
            TimeProvider.System),
        _ => new LeastServed(adapter => adapter == "b" ? 3 : 1),
    };

    private static List<Sequence> Walk(Func<Sequence?, Sequence?> next)
    {
        List<Sequence> walked = [];
        for (Sequence? sequence = next(null); sequence is not null; sequence = next(sequence))
        {
            walked.Add(sequence);
        }

        return walked;
    }

    private static Sequence Sequence(SteppedEngine engine, string? adapter, long arrival)
    {
        GenerationStream stream = engine.Stream(new GenerationRequest { Prompt = new[] { 1 }, MaxTokens = 1, Adapter = adapter });
        var request = new RequestState(stream, [], new StopRules([], [], false, 1), 1, 1) { Arrival = arrival };
        return new Sequence(request, new PageTable(new PagePool(1), new TableShape(16)));
    }
}
