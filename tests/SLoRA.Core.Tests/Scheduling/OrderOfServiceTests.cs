using NUnit.Framework;
using SLoRA.Core.Tests.Adapters;
using SLoRA.Core.Tests.Engine;
using SLoRA.Scheduling;
using SLoRA.Sequences;

namespace SLoRA.Core.Tests.Scheduling;

/// <summary>An engine asks its order and nobody else: what it does under another one follows from that one alone.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class OrderOfServiceTests
{
    private static readonly GenerationRequest Question =
        new() { Prompt = Enumerable.Range(7, 20).ToArray(), MaxTokens = 3, IgnoreEndOfText = true };

    [TestCase(false)]
    [TestCase(true)]
    public void Requests_are_admitted_in_the_order_that_it_says(bool isReversed)
    {
        using SteppedEngine engine = Engine(isReversed ? new LastCome() : null, running: 1);
        Answer[] answers = [.. Enumerable.Range(0, 8).Select(_ => engine.Ask(Question))];

        Assert.That(Served(engine, answers), Is.EqualTo(isReversed ? Enumerable.Range(0, 8).Reverse() : Enumerable.Range(0, 8)));
    }

    [Test]
    public void Those_that_run_stand_in_it_and_the_last_of_them_is_preempted()
    {
        using SteppedEngine engine = Engine(new LastCome(), running: 9, pages: 20, overCommits: true);
        List<Answer> answers = [];
        while (engine.Loop.Preemption.Counters.Preempted == 0)
        {
            answers.Add(engine.Ask(Question with { MaxTokens = 100 }));
            engine.Loop.Step();
            Assert.That(engine.Loop.Running.Select(sequence => sequence.Request.Arrival), Is.Ordered.Descending);
        }

        Sequence preempted = engine.Loop.Waiting.Single(sequence => sequence.Request.HasRun);
        Assert.That(preempted.Request.Arrival, Is.LessThan(engine.Loop.Running.Min(sequence => sequence.Request.Arrival)));
        engine.Finish(answers);
        Assert.That(answers.Select(answer => answer.Tokens.Count), Is.All.EqualTo(100));
    }

    [Test]
    public void What_is_charged_decides_whose_turn_it_is()
    {
        var order = new LeastServed(_ => 1);
        using SteppedEngine engine = Engine(order, running: 1, adapters: ["qv", "r1"]);
        Answer[] answers =
        [
            .. Enumerable.Range(0, 8).Select(_ => engine.Ask(Question with { Adapter = "qv" })),
            .. Enumerable.Range(0, 4).Select(_ => engine.Ask(Question with { Adapter = "r1" })),
        ];

        // As much for the one as for the other, until the other has no more.
        Assert.That(Served(engine, answers), Is.EqualTo(new[] { 0, 8, 1, 9, 2, 10, 3, 11, 4, 5, 6, 7 }));
    }

    [Test]
    public void Shares_follow_weights()
    {
        using SteppedEngine engine = Engine(new LeastServed(adapter => adapter == "r1" ? 2 : 1), running: 1, adapters: ["qv", "r1"]);
        Answer[] answers = [.. Enumerable.Range(0, 12).Select(i => engine.Ask(Question with { Adapter = i < 6 ? "qv" : "r1" }))];

        Assert.That(Served(engine, answers).Take(9).Count(place => place >= 6), Is.EqualTo(6), "two of the one for one of the other");
    }

    [Test]
    public void Every_row_and_every_page_in_is_charged_once()
    {
        var order = new LeastServed(_ => 1);
        using SteppedEngine engine = Engine(order, running: 2, adapters: ["qv"]);
        Answer[] answers = [.. Enumerable.Range(0, 3).Select(i => engine.Ask(Question with { Adapter = i < 2 ? "qv" : null }))];
        engine.Finish(answers);

        // Each computes the 20 rows of its prompt, the last of which gives the first of its 3 tokens, and a row for each of the others.
        Assert.That((order.Total.PromptRows, order.Total.OutputRows), Is.EqualTo((3 * 19, 3 * 3)));
        Assert.That(order.Total.PageInBytes, Is.EqualTo(engine.Status.AdapterCache.PageInBytes).And.GreaterThan(0));
    }

    [TestCase(false, "c", "d", "e")]
    [TestCase(true, "e", "d", "c")]
    public void Content_is_read_in_the_order_that_it_says(bool isReversed, string first, string second, string last)
    {
        using SteppedEngine engine = Engine(
            isReversed ? new LastCome() : null, running: 9, clock: new ManualClock(), configure: options => options.MaxConcurrentLoads = 2);
        var packages = "abcde".ToDictionary(
            name => $"{name}", name => new GatedPackage($"{name}", SteppedEngine.AdapterFolder("qv")));
        foreach (GatedPackage package in packages.Values)
        {
            engine.Register(package);
        }

        Answer[] early = [engine.Ask(Question with { Adapter = "a" }), engine.Ask(Question with { Adapter = "b" })];
        engine.Loop.Step();
        packages["a"].Reached.Wait();
        packages["b"].Reached.Wait();
        Answer[] late = [.. "cde".Select(name => engine.Ask(Question with { Adapter = $"{name}" }))];
        engine.Loop.Step();
        packages["a"].Gate.Set();
        packages["b"].Gate.Set();
        engine.Finish(early);
        engine.Loop.Step();

        packages[first].Reached.Wait();
        packages[second].Reached.Wait();
        Assert.That(packages[last].Reached.IsSet, Is.False, "two at a time");
        foreach (GatedPackage package in packages.Values)
        {
            package.Gate.Set();
        }

        engine.Finish(late);
    }

    [Test]
    public void A_preload_goes_before_whom_the_order_says()
    {
        int[] admitted = [.. new[] { false, true }.Select(isReversed =>
        {
            using SteppedEngine engine = Engine(isReversed ? new LastCome() : null, running: 9, pages: 36, adapters: ["wide"]);
            Answer running = engine.Ask(Question with { MaxTokens = 200 });
            engine.Loop.Step();
            Task preload = engine.Adapters.PreloadAsync("wide");
            engine.Loop.Step();
            Answer later = engine.Ask(Question with { MaxTokens = 80 });
            engine.Loop.Step();
            engine.Loop.Step();
            int count = engine.Loop.Running.Count;
            engine.Finish(running, later);
            engine.Run(preload);
            return count;
        })];

        Assert.That(admitted, Is.EqualTo(new[] { 1, 2 }), "who came later waits for it, or does not");
    }

    [Test]
    public void Requests_that_it_gives_up_end_with_its_error_and_leave_their_places()
    {
        var clock = new ManualClock();
        using SteppedEngine engine = Engine(new Impatient(TimeSpan.FromSeconds(5)), running: 1, clock: clock);
        Answer running = engine.Ask(Question with { MaxTokens = 40 });
        engine.Loop.Step();
        Answer early = engine.Ask(Question);
        engine.Loop.Step();
        clock.Advance(TimeSpan.FromSeconds(3));
        Answer late = engine.Ask(Question);
        engine.Loop.Step();
        clock.Advance(TimeSpan.FromSeconds(3));
        engine.Loop.Step();

        Assert.That(early.Error, Is.TypeOf<DeadlineExceededException>());
        Assert.That((engine.Status.Queue.Total, engine.Status.EndedRequests), Is.EqualTo((1, 1L)));
        engine.Finish(running, late);
        Assert.That((running.Tokens.Count, late.Tokens.Count), Is.EqualTo((40, 3)));
    }

    private static SteppedEngine Engine(
        IQueueOrder? order, int running, int? pages = null, bool overCommits = false, ManualClock? clock = null,
        string[]? adapters = null, Action<AdapterCacheOptions>? configure = null) =>
        new(builder => builder.UseTimeProvider(clock ?? TimeProvider.System).ConfigureAdapters(configure ?? (_ => { }))
            .ConfigurePool(pool => (pool.Bytes, pool.PrefixReuse) = (pages is { } count ? count * 12288 : pool.Bytes, false))
            .ConfigureScheduling(scheduling => (scheduling.MaxRunning, scheduling.OverCommit, scheduling.OverCommitLookahead) =
                (running, overCommits, 4)), adapters: adapters, order: order);

    /// <summary>Runs everything, one after the other.</summary>
    /// <returns>The places of the answers in the order in which they began to run.</returns>
    private static List<int> Served(SteppedEngine engine, Answer[] answers)
    {
        List<int> served = [];
        while (answers.Any(answer => answer.Stream.FinishReason is null))
        {
            if (!engine.Loop.Step())
            {
                engine.Loop.Port.Wait();
            }

            served.AddRange(engine.Loop.Running.Select(sequence => Array.FindIndex(answers, one => one.Stream == sequence.Request.Stream))
                .Where(place => !served.Contains(place)));
        }

        return served;
    }

    /// <summary>The latest first, and whoever has waited for too long is given up.</summary>
    private sealed class Impatient(TimeSpan patience) : LastCome
    {
        public override IReadOnlyList<ExpiredRequest> Expired(long now) =>
        [
            .. Waiting.Where(request => !request.HasRun && now - request.Arrived > patience.Ticks)
                .Select(request => new ExpiredRequest(request, new DeadlineExceededException(patience))),
        ];
    }
}
