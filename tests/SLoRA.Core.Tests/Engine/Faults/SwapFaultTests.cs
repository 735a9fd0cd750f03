using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Core.Tests.Engine.Histories;
using SLoRA.Engine;

namespace SLoRA.Core.Tests.Engine.Faults;

/// <summary>Main memory that refuses what swapping asks of it: whoever was to be swapped is computed again, and nobody else sees anything.</summary>
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
    [TestCase(PreemptionMode.Auto, 5, 3)]
    public void Whoever_finds_no_main_memory_is_computed_again_with_the_same_bits_and_nobody_else_sees_it(PreemptionMode mode, int first, int every)
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

    private static SteppedEngine Engine(PreemptionMode mode, Action<string> before, bool overCommit = true, int pages = Pages) => new(
        builder => builder
            .UseBackend((rows, outputs) => new InterceptedBackend(new CpuBackend(rows, outputs, 1), before))
            .ConfigurePool(pool => (pool.Bytes, pool.PrefixReuse) = (pages * EngineHistory.PageBytes, false))
            .ConfigureScheduling(scheduling => (scheduling.OverCommit, scheduling.OverCommitLookahead, scheduling.Preemption) = (overCommit, 8, mode)),
        adapters: Adapters.OfType<string>());
}
