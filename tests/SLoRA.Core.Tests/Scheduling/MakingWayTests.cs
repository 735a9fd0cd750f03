using NUnit.Framework;
using SLoRA.Core.Tests.Engine;
using SLoRA.Sequences;

namespace SLoRA.Core.Tests.Scheduling;

/// <summary>
/// Clients that hold more of the engine make way for those that hold less. Requests of a flood take 8 pages each, so that four of them fill
/// the pool.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class MakingWayTests
{
    private const int PoolPages = 32;

    private static readonly SchedulingPolicy MakesWay = new() { Shares = new FairShares { Preempts = true } };

    private static readonly GenerationRequest Long = new()
    {
        Prompt = Enumerable.Range(7, 20).ToArray(),
        MaxTokens = 100,
        IgnoreEndOfText = true,
        ClientId = "flood",
    };

    private static readonly GenerationRequest Short = Long with { MaxTokens = 3, ClientId = "other" };

    [Test]
    public void A_newcomer_has_its_first_token_in_one_step_while_another_client_holds_every_page([Values] bool makesWay)
    {
        using SteppedEngine engine = Engine(makesWay ? MakesWay : new SchedulingPolicy { Shares = new FairShares() });
        Answer[] flood = Ask(engine, Long, 10);
        Step(engine, 12);
        Answer other = engine.Ask(Short);
        Step(engine, 1);

        Assert.That(other.Stream.Published, Is.EqualTo(makesWay ? 1 : 0));
        Assert.That(engine.Loop.Preemption.Counters.Preempted, Is.EqualTo(makesWay ? 1 : 0), "one is enough");
        engine.Finish([.. flood, other]);
        Assert.That(flood.Select(answer => answer.Tokens.Count), Is.All.EqualTo(100));
        engine.DropCaches();
        Assert.That(engine.Loop.Snapshot().Pool.Free, Has.Length.EqualTo(PoolPages));
    }

    [Test]
    public void A_newcomer_finds_a_place_while_another_client_has_them_all()
    {
        using SteppedEngine engine = Engine(MakesWay, running: 2);
        Answer[] flood = Ask(engine, Long, 4);
        Step(engine, 5);
        Answer other = engine.Ask(Short);
        Step(engine, 1);

        Assert.That(other.Stream.Published, Is.EqualTo(1));
        engine.Finish([.. flood, other]);
    }

    [Test]
    public void Those_who_made_way_have_the_answers_that_they_have_alone([Values] PreemptionMode mode, [Values] bool reuse)
    {
        GenerationRequest[] requests =
        [
            .. Enumerable.Range(0, 8).Select(i => Long with { Sampling = new SamplingOptions { Temperature = 1, Seed = i } }),
            .. Enumerable.Range(0, 8).Select(i => Short with { Adapter = i % 2 == 0 ? "qv" : null, ClientId = $"other {i % 3}" }),
        ];
        using SteppedEngine engine = Engine(MakesWay, mode: mode, reuse: reuse);
        using SteppedEngine oracle = Engine(new SchedulingPolicy());
        Answer[] answers = new Answer[requests.Length];
        for (int i = 0; i < requests.Length; i++)
        {
            answers[i] = engine.Ask(requests[i]);
            Step(engine, i < 8 ? 1 : 9);
        }

        engine.Finish(answers);
        for (int i = 0; i < requests.Length; i++)
        {
            Answer alone = oracle.Ask(requests[i]);
            oracle.Finish(alone);
            Assert.That(answers[i].Tokens, Is.EqualTo(alone.Tokens), $"request {i}");
        }

        Assert.That(engine.Loop.Preemption.Counters.Preempted, Is.GreaterThan(2));
        Assert.That(engine.Loop.Preemption.Counters.Swapped, mode == PreemptionMode.Swap ? Is.Positive : Is.Not.Negative);
    }

    /// <summary>All requests are alike, so who holds more runs more. Whoever lost one still runs as many as who got one.</summary>
    [Test]
    public void Every_exchange_brings_what_clients_hold_nearer_to_each_other([Values(1, 2, 3, 4)] int seed)
    {
        using SteppedEngine engine = Engine(MakesWay);
        var random = new Random(seed);
        List<Answer> answers = [];
        int exchanges = 0;
        for (int i = 0; i < 400 || answers.Exists(answer => answer.Stream.FinishReason is null); i++)
        {
            if (i < 400 && random.Next(12) == 0)
            {
                answers.Add(engine.Ask(Long with { ClientId = $"{random.Next(3) * random.Next(2)}" }));
            }

            Sequence[] before = [.. engine.Loop.Running];
            Step(engine, 1);
            Sequence[] lost = [.. before.Where(sequence => sequence.Finished is null && !engine.Loop.Running.Contains(sequence))];
            Sequence[] come = [.. engine.Loop.Running.Except(before)];
            exchanges += lost.Length;
            if (lost.Length == 1 && come.Length == 1)
            {
                Assert.That(Runs(engine, lost[0]), Is.GreaterThanOrEqualTo(Runs(engine, come[0])));
            }
        }

        Assert.That(exchanges, Is.InRange(1, 2 * answers.Count), "nothing goes back and forth");
        Assert.That(answers.Select(answer => answer.Error), Is.All.Null);
    }

    /// <summary>
    /// Requests of one client hold four times as many pages as those of the other, which are computed many times as often. The bound is
    /// twice what the pool's tokens cost; and by pages alone the small ones would be given many times as much.
    /// </summary>
    [Test]
    public void Two_clients_that_wait_all_the_time_are_given_as_much_within_the_bound()
    {
        const double bound = 2 * 2 * PoolPages * 16;
        using SteppedEngine engine = Engine(MakesWay);
        Answer[] answers = [.. Ask(engine, Long, 30), .. Ask(engine, Short, 300)];
        double Given(string client) => engine.Status.Accounts.Single(account => account.Name == client).Counter;
        bool Waits(string client) => engine.Status.Accounts.Single(account => account.Name == client).Waiting > 0;
        Step(engine, 1);
        double least = Math.Min(Given("flood"), Given("other"));
        while (Waits("flood") && Waits("other"))
        {
            Assert.That(Given("flood"), Is.EqualTo(Given("other")).Within(bound));
            Step(engine, 1);
        }

        Assert.That(Math.Max(Given("flood"), Given("other")) - least, Is.GreaterThan(2 * bound), "it has been long enough to tell");
        engine.Finish(answers);
    }

    /// <summary>
    /// New clients come all the time, each with one request as large as those of the flood. One that made way is the next when it has
    /// waited for two seconds, that is twenty steps, those that run end after a hundred, and then nobody takes its pages again.
    /// </summary>
    [Test]
    public void Who_made_way_comes_back_however_many_others_come()
    {
        var clock = new ManualClock();
        using SteppedEngine engine = Engine(MakesWay with { Ageing = TimeSpan.FromSeconds(2) }, clock: clock);
        Answer[] flood = Ask(engine, Long, 4);
        Dictionary<Sequence, int> waits = [];
        List<Answer> others = [];
        for (int i = 0; flood.Any(answer => answer.Stream.FinishReason is null); i++)
        {
            others.Add(engine.Ask(Long with { ClientId = $"once {i}" }));
            Step(engine, 2);
            clock.Advance(TimeSpan.FromMilliseconds(200));
            foreach (Sequence sequence in engine.Loop.Waiting.Where(sequence => sequence.Request.HasRun))
            {
                waits[sequence] = waits.GetValueOrDefault(sequence) + 2;
                Assert.That(waits[sequence], Is.LessThanOrEqualTo(140));
            }
        }

        Assert.That(waits, Is.Not.Empty);
        Assert.That(others.Count(answer => answer.Stream.Published > 0), Is.GreaterThan(2));
    }

    [Test]
    public void Prompts_of_who_holds_least_are_computed_first()
    {
        using SteppedEngine engine = Engine(MakesWay, rows: 64);
        Answer[] flood = Ask(engine, Long with { Prompt = Enumerable.Range(0, 200).ToArray(), MaxTokens = 1 }, 2);
        Step(engine, 1);
        Answer other = engine.Ask(Short with { Prompt = Enumerable.Range(0, 60).ToArray(), MaxTokens = 1 });
        int[] before = [.. engine.Loop.Running.Select(sequence => sequence.Computed)];
        Step(engine, 1);

        Assert.That(other.Stream.Published, Is.Positive);
        Assert.That(
            engine.Loop.Running.Where(sequence => sequence.Finished is null).Select(sequence => sequence.Computed),
            Is.EqualTo(before.Select(computed => computed + 1)), "the others keep moving");
        engine.Finish(flood);
    }

    [Test]
    public void Who_has_more_waiting_leaves_steps_short()
    {
        using SteppedEngine engine = Engine(MakesWay, rows: 64, promptRows: 10);
        Answer alone = engine.Ask(Long with { Prompt = Enumerable.Range(0, 200).ToArray(), MaxTokens = 1 });
        Step(engine, 1);
        Assert.That(engine.Status.LastStep.Rows, Is.EqualTo(64), "nobody else of its client waits");
        Answer[] flood = Ask(engine, Long with { Prompt = Enumerable.Range(0, 250).ToArray(), MaxTokens = 1 }, 2);
        Step(engine, 1);

        Assert.That(engine.Loop.Waiting, Is.Not.Empty);
        Assert.That(engine.Status.LastStep.Rows, Is.InRange(10, 11), "all their prompts together, and a row for each beyond that");
        engine.Finish([alone, .. flood]);
    }

    private static int Runs(SteppedEngine engine, Sequence sequence) =>
        engine.Loop.Running.Count(other => other.Request.Asked.ClientId == sequence.Request.Asked.ClientId);

    private static Answer[] Ask(SteppedEngine engine, GenerationRequest request, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => engine.Ask(request))];

    private static void Step(SteppedEngine engine, int steps)
    {
        for (int i = 0; i < steps; i++)
        {
            engine.Loop.Step();
        }
    }

    private static SteppedEngine Engine(
        SchedulingPolicy policy, int running = 16, PreemptionMode mode = PreemptionMode.Auto, bool reuse = false, int rows = 256,
        int? promptRows = null, TimeProvider? clock = null) =>
        new(
            builder => builder.UseTimeProvider(clock ?? TimeProvider.System)
            .ConfigureMetrics(metrics => metrics.MaxAccountTags = 10)
            .ConfigurePool(pool => (pool.Bytes, pool.PrefixReuse) = (PoolPages * 12288, reuse))
            .ConfigureScheduling(scheduling =>
            {
                scheduling.Policy = policy;
                scheduling.MaxRunning = running;
                scheduling.Preemption = mode;
                scheduling.MaxRowsPerStep = rows;
                scheduling.MaxPromptRowsPerStep = promptRows;
            }),
            adapters: ["qv"]);
}
