using NUnit.Framework;

namespace SLoRA.Core.Tests.Engine;

[TestFixture]
[Parallelizable(ParallelScope.All)]
internal sealed class EngineStatusTests
{
    private static readonly IReadOnlyList<string> Names = SteppedEngine.AdapterNames;

    [Test]
    public void Pages_requests_and_tokens_add_up_after_every_step()
    {
        using var engine = new SteppedEngine(adapters: Names);
        Answer[] answers = [.. Enumerable.Range(0, 9).Select(i => engine.Ask(Request(i % Names.Count, prompt: 5 + i, tokens: 4 + i)))];
        while (engine.Loop.Step() || engine.Status.Running > 0)
        {
            EngineStatus status = engine.Status;
            int held = engine.Loop.Running.SelectMany(sequence => sequence.Table.Pages.ToArray()).Distinct().Count();
            Assert.Multiple(() =>
            {
                Assert.That(status.Pool.CacheInUse, Is.EqualTo(held), "pages of sequences");
                Assert.That(status.Pool.AdaptersInUse + status.Pool.IdleAdapters + status.Pool.Cache
                    + status.Pool.Free, Is.EqualTo(status.Pool.Total));
                Assert.That(status.Pool.Utilization, Is.InRange(0, 1));
                Assert.That(status.Running + status.Waiting + status.EndedRequests, Is.EqualTo(answers.Length));
                Assert.That(status.Leases, Is.EqualTo(status.Running + status.Waiting));
            });
        }

        EngineStatus end = engine.Status;
        Assert.Multiple(() =>
        {
            Assert.That(end.PromptTokens,
                Is.EqualTo(answers.Sum(answer => answer.Stream.Usage!.PromptTokens - answer.Stream.Usage.CachedPromptTokens)));
            Assert.That(end.GeneratedTokens, Is.EqualTo(answers.Sum(answer => answer.Tokens.Count)));
            Assert.That(end.SampledTokens, Is.EqualTo(end.GeneratedTokens));
            Assert.That(end.ComputedTokens, Is.EqualTo(end.PromptTokens + end.GeneratedTokens - answers.Length),
                "the last token of an answer is not computed");
            Assert.That(end.Leases, Is.Zero);
            Assert.That(end.Pool.AdaptersInUse, Is.Zero);
            Assert.That(end.Pool.CacheInUse, Is.Zero);
            Assert.That(end.Pool.Reserved, Is.Zero);
        });
    }

    [Test]
    public void The_queue_says_what_its_requests_wait_for()
    {
        using var places = new SteppedEngine(builder => builder.ConfigureScheduling(scheduling => scheduling.MaxRunning = 2));
        Answer[] answers = [.. Enumerable.Range(0, 5).Select(_ => places.Ask(Request(null, prompt: 3, tokens: 20)))];
        places.Loop.Step();
        Assert.That(places.Status.Queue, Is.EqualTo(new QueueStatus(0, 0, 3)));
        places.Finish(answers);
        Assert.That(places.Status.Queue.Total, Is.Zero);

        using var pages = new SteppedEngine(builder => builder.ConfigurePool(pool => pool.Bytes = 10 * 16384));
        int pageTokens = 200 / pages.Loop.Monitor.Counts.Pool.Total;
        answers = [.. Enumerable.Range(0, 4).Select(_ => pages.Ask(Request(null, prompt: 3, tokens: 200)))];
        pages.Loop.Step();
        EngineStatus status = pages.Status;
        Assert.That(pageTokens, Is.GreaterThan(0));
        Assert.Multiple(() =>
        {
            Assert.That(status.Running, Is.InRange(1, 3), "not all of them fit");
            Assert.That(status.Queue, Is.EqualTo(new QueueStatus(0, 4 - status.Running, 0)));
            Assert.That(status.Pool.Reserved, Is.GreaterThan(0));
        });
        pages.Finish(answers);
    }

    [Test]
    public void Hits_misses_and_evictions_of_adapters_are_counted()
    {
        using var engine = new SteppedEngine(adapters: Names);
        foreach (int adapter in (int[])[0, 1, 0, 0])
        {
            engine.Finish(engine.Ask(Request(adapter, prompt: 3, tokens: 3)));
        }

        AdapterCacheStatus cache = engine.Status.AdapterCache;
        Assert.Multiple(() =>
        {
            Assert.That((cache.Misses, cache.Hits), Is.EqualTo((2L, 2L)));
            Assert.That(cache.HitRate, Is.EqualTo(0.5));
            Assert.That((cache.PageIns, cache.Resident, cache.InUse), Is.EqualTo((2L, 2, 0)));
            Assert.That(cache.PageInBytes, Is.EqualTo(engine.Status.Pool.Adapters * engine.Status.Pool.PageBytes));
            Assert.That(engine.Status.Pool.IdleAdapters, Is.EqualTo(engine.Status.Pool.Adapters).And.GreaterThan(0));
        });

        engine.DropCaches();
        engine.Loop.Step();
        Assert.Multiple(() =>
        {
            Assert.That(engine.Status.AdapterCache.Evictions, Is.EqualTo(2));
            Assert.That(engine.Status.Pool.Free, Is.EqualTo(engine.Status.Pool.Total));
        });
    }

    [Test]
    public void An_adapter_counts_its_traffic()
    {
        using var engine = new SteppedEngine(adapters: Names);
        Answer first = engine.Ask(Request(0, prompt: 3, tokens: 4));
        engine.Finish(first, engine.Ask(Request(1, prompt: 3, tokens: 4)));
        Answer second = engine.Ask(Request(0, prompt: 3, tokens: 5));
        engine.Finish(second);

        AdapterStatus status = engine.Adapters.List().Single(adapter => adapter.Name == Names[0]);
        Assert.Multiple(() =>
        {
            Assert.That(status.TotalRequests, Is.EqualTo(2));
            Assert.That(status.GeneratedTokens, Is.EqualTo(first.Tokens.Count + second.Tokens.Count));
            Assert.That((status.Hits, status.PageIns), Is.EqualTo((1L, 1L)));
        });
    }

    [Test]
    public void Prefixes_that_wait_for_somebody_are_counted_apart_and_so_is_what_they_spared()
    {
        using var engine = new SteppedEngine();
        GenerationRequest request = Request(null, prompt: 60, tokens: 2);
        engine.Finish(engine.Ask(request));
        int kept = engine.Status.Pool.IdlePrefixes;
        Answer second = engine.Ask(request);
        engine.Finish(second);

        PrefixCacheStatus prefixes = engine.Status.PrefixCache;
        Assert.Multiple(() =>
        {
            Assert.That(kept, Is.GreaterThan(0));
            Assert.That(kept, Is.EqualTo(engine.Status.Pool.Cache), "nobody runs");
            Assert.That((prefixes.Lookups, prefixes.Hits), Is.EqualTo((2L, 1L)));
            Assert.That(prefixes.HitTokens, Is.EqualTo(second.Stream.Usage!.CachedPromptTokens).And.GreaterThan(0));
            Assert.That(prefixes.HitRate, Is.InRange(0.1, 0.9));
        });
    }

    [Test]
    public void Preemptions_are_counted()
    {
        using var engine = new SteppedEngine(builder => builder
            .ConfigurePool(pool => pool.Bytes = 10 * 16384)
            .ConfigureScheduling(scheduling => scheduling.OverCommit = true));
        Answer[] answers = [.. Enumerable.Range(0, 4).Select(i => engine.Ask(Request(null, prompt: 3 + i, tokens: 200)))];
        engine.Finish(answers);

        Assert.That(engine.Status.Preemptions, Is.EqualTo(engine.Loop.Preemption.Counters.Preempted).And.GreaterThan(0));
    }

    [Test]
    public void A_picture_is_of_one_moment_whoever_looks()
    {
        using var engine = new SteppedEngine(adapters: Names);
        using var stop = new CancellationTokenSource();
        int torn = 0;
        int looks = 0;
        Thread[] readers = [.. Enumerable.Range(0, 2).Select(_ => new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                EngineStatus status = engine.Status;
                Interlocked.Increment(ref looks);
                bool whole = status.Running + status.Waiting + status.EndedRequests == status.Leases + status.EndedRequests
                    && status.SampledTokens == status.GeneratedTokens
                    && status.Steps == status.LastStep.Number
                    && status.Pool.CacheInUse >= 0 && status.Pool.AdaptersInUse >= 0;
                Interlocked.Add(ref torn, whole ? 0 : 1);
            }
        }))];
        foreach (Thread reader in readers)
        {
            reader.Start();
        }

        for (int round = 0; round < 10; round++)
        {
            engine.Finish([.. Enumerable.Range(0, 6).Select(i => engine.Ask(Request(i % Names.Count, prompt: 3 + i, tokens: 10)))]);
        }

        stop.Cancel();
        foreach (Thread reader in readers)
        {
            reader.Join();
        }

        Assert.That((torn, looks > 0), Is.EqualTo((0, true)));
    }

    private static GenerationRequest Request(int? adapter, int prompt, int tokens) => new()
    {
        Prompt = Enumerable.Range(3, prompt).ToArray(),
        Adapter = adapter is { } index ? Names[index] : null,
        MaxTokens = tokens,
        IgnoreEndOfText = true,
    };
}
