using NUnit.Framework;
using SLoRA.Core.Tests.Engine;
using SLoRA.Pool;
using SLoRA.Sampling;
using SLoRA.Scheduling;
using SLoRA.Sequences;

namespace SLoRA.Core.Tests.Scheduling;

/// <summary>
/// Every part of a policy beside every other, over a random run: places are given in its order, and clients, priorities, adapters, lengths
/// and targets are drawn. One tick is a millisecond.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class PolicyCompositionTests
{
    private const int Places = 8;
    private const int StepTicks = 10;
    private const int Limit = 6;

    private static readonly Lazy<SteppedEngine> Engine = new(() => new SteppedEngine());

    private static IEnumerable<TestCaseData> Policies() =>
        RandomPolicy.All().Select((policy, i) => new TestCaseData(policy, i).SetArgDisplayNames(NameOf(policy)));

    [TestCaseSource(nameof(Policies))]
    public void Nobody_is_lost_or_exceeds_a_quota_and_no_place_is_free_for_whom_it_could_serve(SchedulingPolicy policy, int seed)
    {
        var run = new Run(policy with { Ageing = TimeSpan.FromMilliseconds(400) }, new Random(seed));
        for (int i = 0; i < 120; i++)
        {
            run.Arrive(run.Random.Next(4));
            run.Step();
        }

        for (int i = 0; run.Waiting.Count + run.Running.Count > 0; i++)
        {
            Assert.That(i, Is.LessThan(20_000), "everybody ends when nobody comes any more");
            run.Step();
        }

        Assert.That(run.Served, Is.GreaterThan(60));
        Assert.That(run.Preempted, policy.Shares is { Preempts: true } ? Is.Positive : Is.Zero);
        Assert.That(run.Order.NextChange, Is.EqualTo(long.MaxValue));
    }

    private static string NameOf(SchedulingPolicy policy) => string.Join(' ', (string[])
    [
        $"{policy.Order}", policy.Priorities ? "priorities" : "-", policy.Shares is { } shares ? $"shares {shares.Slack}" : "-",
        policy.Shares is { Preempts: true } ? "preempts" : "-",
        policy.Locality is null ? "-" : "locality", policy.Quota is null ? "-" : "quota", policy.AbortsLate ? "aborts" : "-",
    ]);

    private sealed class Run(SchedulingPolicy policy, Random random)
    {
        private readonly Dictionary<string, double> _buckets = [];
        private readonly Dictionary<Sequence, int> _left = [];
        private long _arrivals;
        private long _admissions;
        private long _now;

        public PolicyOrder Order { get; } = NewOrder(policy);

        public Random Random { get; } = random;

        public HashSet<Sequence> Waiting { get; } = [];

        public List<Sequence> Running { get; } = [];

        public int Served { get; private set; }

        public int Preempted { get; private set; }

        public void Arrive(int count)
        {
            for (int i = 0; i < count; i++)
            {
                var asked = new GenerationRequest
                {
                    Prompt = new int[1 + Random.Next(30)],
                    ClientId = $"{Random.Next(4)}",
                    Adapter = $"{Random.Next(5)}",
                    Priority = Random.Next(3),
                    FirstTokenTarget = Random.Next(3) == 0 ? TimeSpan.FromMilliseconds(Random.Next(50, 2000)) : null,
                };
                var stream = new GenerationStream(Engine.Value.Loop.Port, asked, Limit, default);
                var request = new RequestState(stream, [], new StopRules([], [], false, Limit), 1, _now) { Arrival = ++_arrivals };
                var sequence = new Sequence(request, new PageTable(new PagePool(1), new TableShape(16)));
                Order.Arrive(sequence, true);
                Waiting.Add(sequence);
            }
        }

        public void Step()
        {
            _now += StepTicks;
            foreach (string client in _buckets.Keys.ToArray())
            {
                _buckets[client] = Math.Min(policy.Quota?.Burst ?? 0, _buckets[client] + (StepTicks * 2));
            }

            foreach (Sequence ended in Running.Where(sequence => _left[sequence] == 0).ToArray())
            {
                Running.Remove(ended);
                _buckets[Client(ended)] = Math.Min(policy.Quota?.Burst ?? 0, Bucket(ended) + Unused(ended));
            }

            Order.Begin(Running, _now);
            foreach (ExpiredRequest expired in Order.Expired(_now))
            {
                Sequence sequence = expired.Request.Sequences.Count > 0 ? expired.Request.Sequences[0] : Find(expired.Request);
                Assert.That(expired.Error, Is.TypeOf<FirstTokenTargetException>());
                Order.Leave(sequence);
                Assert.That(Waiting.Remove(sequence), Is.True);
            }

            CheckWalk();
            for (Sequence? next = Order.NextReady(null); next is not null && HasPlace(next); next = Order.NextReady(next))
            {
                Admit(next);
            }

            if (Running.Count < Places)
            {
                Assert.That(Waiting.Where(IsWithinQuota), Is.Empty, "a place is free");
            }

            foreach (Sequence sequence in Running)
            {
                Order.Charge(sequence, _left[sequence] == Limit ? new Served(sequence.PromptLength - 1, 1, 0) : new Served(0, 1, 0));
                _left[sequence] = sequence.PromptLength % 5 == 0 ? 0 : _left[sequence] - 1;
            }
        }

        private static PolicyOrder NewOrder(SchedulingPolicy policy)
        {
            var order = new PolicyOrder(policy, new Milliseconds());
            order.Claims?.Whole = new Holding(1, Places);
            return order;
        }

        private static string Client(Sequence sequence) => sequence.Request.Asked.ClientId!;

        /// <summary>What was taken for it and not computed: one that ends early has computed its prompt and one token.</summary>
        private static int Unused(Sequence sequence) => sequence.PromptLength % 5 == 0 ? Limit : 1;

        private Sequence Find(RequestState request) => Waiting.Single(sequence => sequence.Request == request);

        private double Bucket(Sequence sequence) => _buckets.GetValueOrDefault(Client(sequence), policy.Quota?.Burst ?? 0);

        /// <summary>The books of the test: a bucket of 120 rows that 2 flow into in a tick, and three places.</summary>
        private bool IsWithinQuota(Sequence sequence) =>
            policy.Quota is null || sequence.Request.HasRun
            || (Running.Concat(Waiting.Where(other => other.Request.HasRun)).Count(other => Client(other) == Client(sequence)) < 3
                && Bucket(sequence) >= sequence.PromptLength + Limit);

        /// <summary>Whether a place is free, or somebody makes way whose client runs two more than that of the one that waits.</summary>
        private bool HasPlace(Sequence sequence)
        {
            List<Sequence> victims = [];
            Running.Sort(Order.Compare);
            if (Running.Count < Places
                || Order.Claims?.TryChoose(sequence, Running, new Holding(0, 1), new Holding(0, 1), victims) != true)
            {
                return Running.Count < Places;
            }

            Sequence victim = victims.Single();
            int Runs(Sequence one) => Running.Count(other => Client(other) == Client(one));
            Assert.That(Runs(victim), Is.GreaterThanOrEqualTo(Runs(sequence) + 2));
            Assert.That(policy.Priorities && victim.Request.Asked.Priority > sequence.Request.Asked.Priority, Is.False);
            Order.Return(victim);
            Running.Remove(victim);
            Waiting.Add(victim);
            Preempted++;
            return true;
        }

        private void Admit(Sequence sequence)
        {
            Assert.That(Waiting.Remove(sequence), Is.True);
            if (sequence.Request.HasRun)
            {
                Order.Admit(sequence);
                Running.Add(sequence);
                return;
            }

            Assert.That(IsWithinQuota(sequence), Is.True);
            _buckets[Client(sequence)] = Bucket(sequence) - sequence.PromptLength - Limit;
            Order.Admit(sequence);
            sequence.Request.FirstAdmission = ++_admissions;
            Running.Add(sequence);
            _left[sequence] = Limit;
            Served++;
        }

        private void CheckWalk()
        {
            if (_arrivals % 5 != 0)
            {
                return;
            }

            List<Sequence> walked = [];
            for (Sequence? next = Order.Next(null); next is not null; next = Order.Next(next))
            {
                walked.Add(next);
            }

            Assert.That(walked.Count == Waiting.Count && Waiting.SetEquals(walked), Is.True, "everybody who waits, once");
            Assert.That(walked.Zip(walked.Skip(1), Order.Compare), Is.All.Negative);
            Order.Begin(Running, _now);
        }
    }

    private sealed class Milliseconds : TimeProvider
    {
        public override long TimestampFrequency => 1000;
    }
}
