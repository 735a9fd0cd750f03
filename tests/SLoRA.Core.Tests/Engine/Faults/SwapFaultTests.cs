using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Core.Tests.Engine.Histories;
using SLoRA.Engine;

namespace SLoRA.Core.Tests.Engine.Faults;

/// <summary>
/// Main memory that refuses what leaves the pages: a sequence is computed again, an adapter read again, and nobody else sees anything.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class SwapFaultTests
{
    private const int Pages = 30;

    private static readonly string?[] Adapters = [null, "qv", "r1"];

    private static readonly Lazy<TokenBits[][]> Alone = new(() =>
    {
        using SteppedEngine engine = Engine(PreemptionMode.Swap, _ => { }, overCommit: false, pages: 200);
        return [.. Workload().Select(request =>
        {
            Answer answer = engine.Ask(request);
            engine.Finish(answer);
            return TokenBits.InOrder(answer.Items);
        })];
    });

    /// <summary>Allocations are counted from 1; a sequence takes a block per page, so it may be refused in the midst of them.</summary>
    [TestCase(PreemptionMode.Swap, 1, 1, Description = "there is never any")]
    [TestCase(PreemptionMode.Auto, 1, 1)]
    [TestCase(PreemptionMode.Swap, 2, int.MaxValue, Description = "once, after a sequence has got some of its blocks")]
    [TestCase(PreemptionMode.Swap, 8, 1, Description = "seven blocks, and never more")]
    [TestCase(PreemptionMode.Swap, 5, 3, Description = "now and then")]
    [TestCase(PreemptionMode.Auto, 1, 3)]
    public void Whoever_finds_no_main_memory_is_computed_again_with_the_same_bits_and_nobody_else_sees_it(
        PreemptionMode mode, int first, int every)
    {
        int asked = 0;
        int refused = 0;
        using SteppedEngine engine = Engine(mode, operation =>
        {
            if (operation == nameof(IPageMemory.AllocateMain) && ++asked >= first && (asked - first) % every == 0)
            {
                refused++;
                throw new OutOfMemoryException();
            }
        });
        Answer[] answers = [.. Workload().Select(request => engine.Ask(request))];
        engine.Finish(answers);

        for (int i = 0; i < answers.Length; i++)
        {
            Assert.That(TokenBits.InOrder(answers[i].Items), Is.EqualTo(Alone.Value[i]), $"request {i}");
        }

        Assert.That(refused, Is.GreaterThan(0));
        Assert.That(engine.Loop.Preemption.Counters.TokensGivenUp, Is.GreaterThan(0), "computed again");
        if (mode == PreemptionMode.Swap)
        {
            Assert.That(engine.Loop.Preemption.Counters.Swapped, first == 1 ? Is.Zero : Is.GreaterThan(0), "swapped");
        }

        AssertAllFree(engine);
    }

    [Test]
    public void An_adapter_that_is_waited_for_and_finds_no_main_memory_when_its_pages_go_is_read_again()
    {
        int refused = 0;
        using SteppedEngine engine = Engine(
            PreemptionMode.Recompute,
            operation =>
            {
                if (operation == nameof(IPageMemory.AllocateMain))
                {
                    refused++;
                    throw new OutOfMemoryException();
                }
            },
            hostBytes: 0,
            running: 1);
        engine.Run(engine.Adapters.PreloadAsync("qv"));
        Answer runs = engine.Ask(Workload()[0]);
        Answer waits = engine.Ask(Workload()[1]);
        engine.Loop.Step();
        Assert.That(engine.Loop.DeviceCache.Resident is [{ Image: null, Leases: 1, IsIdle: true }], "in pages alone, and waited for");
        long loads = Loads();
        engine.Loop.DeviceCache.EvictIdle();
        Assert.That(refused, Is.EqualTo(1));
        Assert.That(engine.Loop.Waiting.Single().Leases.Single().HasContent, Is.False);
        engine.Finish(runs, waits);

        Assert.That(TokenBits.InOrder(runs.Items), Is.EqualTo(Alone.Value[0]));
        Assert.That(TokenBits.InOrder(waits.Items), Is.EqualTo(Alone.Value[1]));
        Assert.That(Loads(), Is.EqualTo(loads + 1), "read again");
        AssertAllFree(engine);

        long Loads() => engine.Adapters.List().Single(adapter => adapter.Name == "qv").Loads;
    }

    private static void AssertAllFree(SteppedEngine engine)
    {
        engine.DropCaches();
        EngineSnapshot snapshot = engine.Loop.Snapshot();
        Assert.That(snapshot.Pool.Free.Length, Is.EqualTo(Pages));
        Assert.That((snapshot.SwapBlocks, snapshot.Leases.Length), Is.EqualTo((0, 0)));
    }

    private static GenerationRequest[] Workload() =>
    [
        .. Enumerable.Range(0, 12).Select(i => new GenerationRequest
        {
            Prompt = Enumerable.Range(i, 20 + i).ToArray(),
            MaxTokens = 60,
            IgnoreEndOfText = true,
            Adapter = Adapters[i % 3],
            Continuations = i % 4 == 3 ? 2 : 1,
            Sampling = i % 2 == 0 ? SamplingOptions.Greedy : new SamplingOptions { Temperature = 0.9f, Seed = i },
            LogProbabilities = new LogProbabilityOptions(),
        }),
    ];

    private static SteppedEngine Engine(PreemptionMode mode, Action<string> before, bool overCommit = true, int pages = Pages,
        long hostBytes = 1L << 30, int running = 128) => new(
        builder => builder
            .UseBackend((rows, outputs) => new InterceptedBackend(new CpuBackend(rows, outputs, 1), before))
            .ConfigurePool(pool => (pool.Bytes, pool.PrefixReuse) = (pages * EngineHistory.PageBytes, false))
            .ConfigureAdapters(adapters => adapters.HostBytes = hostBytes)
            .ConfigureScheduling(scheduling =>
                (scheduling.OverCommit, scheduling.OverCommitLookahead, scheduling.Preemption, scheduling.MaxRunning) = (overCommit, 8,
                    mode, running)),
        adapters: Adapters.OfType<string>());
}
