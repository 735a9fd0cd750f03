using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Engine;

[TestFixture]
internal sealed class StepAllocationTests
{
    private const int WarmUpSteps = 40;
    private const int CountedSteps = 100;
    private const int Windows = 2;

    private static readonly string[] Kinds = [.. ModelKind.All.Keys.Order(StringComparer.Ordinal)];

    [TestCase(1, false, false)]
    [TestCase(3, false, false)]
    [TestCase(1, true, false)]
    [TestCase(1, true, true)]
    [TestCase(3, false, true)]
    [TestCase(2, false, false, 2)]
    public void Steps_allocate_nothing_on_their_threads(int threads, bool listens, bool overlaps, int shards = 1)
    {
        AllocationRecord? device = null;
        using CountingListener? listener = listens ? new CountingListener() : null;
        using var engine = new SteppedEngine(
            builder => builder
                .CheckInvariants(false)
                .ConfigureMetrics(metrics => metrics.MeterFactory = listener)
                .UseBackend((rows, outputs) => device = new AllocationRecord(shards == 1
                    ? new CpuBackend(rows, outputs, threads)
                    : CpuShards.Create(rows, outputs, threads, CpuWeights.AsStored, shards))),
            adapters: SteppedEngine.AdapterNames,
            overlaps: overlaps);
        Answer[] answers = [.. Requests().Select(request => engine.Ask(request))];
        for (int i = 0; i < WarmUpSteps; i++)
        {
            engine.Loop.Step();
        }

        int running = engine.Status.Running;
        long computed = engine.Status.ComputedTokens;

        // The smaller of two windows: waking a consumer may make the queue of the thread pool, which other tests share, grow once.
        long allocated = Enumerable.Range(0, Windows).Min(_ => Allocated(engine));
        EngineStatus status = engine.Status;
        Assert.Multiple(() =>
        {
            Assert.That(allocated, Is.Zero, "bytes");
            Assert.That(device!.Allocated(CountedSteps), Is.Zero, "bytes on the thread that computes, from step to step");
            Assert.That(listener is null
                || listener.Measurements > 3 * Windows * CountedSteps, Is.True, "the listener heard of every step");
            Assert.That(running, Is.EqualTo(answers.Length), "every request ran");
            Assert.That(status.ComputedTokens - computed, Is.EqualTo((long)Windows * CountedSteps * answers.Length),
                "every request had a row in every step");
            Assert.That(status.LastStep.Adapters, Is.EqualTo(SteppedEngine.AdapterNames.Count), "every adapter took part");
        });
        engine.Finish(answers);
    }

    /// <summary>A policy that counts what everyone holds is asked in every step too.</summary>
    [TestCaseSource(nameof(Kinds))]
    public void Steps_of_any_kind_of_model_allocate_nothing(string kind)
    {
        ModelKind model = ModelKind.All[kind];
        AllocationRecord? device = null;
        var policy = new SchedulingPolicy { Key = AccountKey.Adapter, Shares = new FairShares() };
        using SteppedEngine engine = model.Engine(
            builder => builder.CheckInvariants(false)
                .ConfigureScheduling(scheduling => scheduling.Policy = policy)
                .AddAdapter("a", model.AdapterFolder(model.Contents[0])),
            backend: (rows, outputs) => device = new AllocationRecord(new CpuBackend(rows, outputs, threads: 1)));

        // From a few positions on to hundreds: blocks are begun, and where there are windows let go.
        string?[] adapters = ["a", null, "a", null];
        Answer[] answers =
        [
            .. adapters.Select((adapter, i) => engine.Ask(new GenerationRequest
            {
                Prompt = new int[] { 5 + i, 6, 7 },
                Adapter = adapter,
                MaxTokens = WarmUpSteps + (Windows * CountedSteps) + 10,
                IgnoreEndOfText = true,
            })),
        ];
        for (int i = 0; i < WarmUpSteps; i++)
        {
            engine.Loop.Step();
        }

        long computed = engine.Status.ComputedTokens;
        long allocated = Enumerable.Range(0, Windows).Min(_ => Allocated(engine));
        Assert.That(allocated, Is.Zero, "bytes");
        Assert.That(device!.Allocated(CountedSteps), Is.Zero, "bytes on the thread that computes, from step to step");
        Assert.That(engine.Status.ComputedTokens - computed, Is.EqualTo((long)Windows * CountedSteps * answers.Length));
        engine.Finish(answers);
    }

    /// <summary>Notes with every step what the thread that computes has allocated so far.</summary>
    private sealed class AllocationRecord(IBackend inner) : ForwardingBackend(inner)
    {
        private readonly long[] _bytes = new long[WarmUpSteps + (Windows * CountedSteps)];
        private int _steps;

        public override void BeginStep(StepPlan plan)
        {
            if (_steps < _bytes.Length)
            {
                _bytes[_steps++] = GC.GetAllocatedBytesForCurrentThread();
            }

            base.BeginStep(plan);
        }

        /// <summary>The least that was allocated in so many steps in a row, after the warm-up.</summary>
        public long Allocated(int steps) =>
            Enumerable.Range(WarmUpSteps, _bytes.Length - WarmUpSteps - steps).Min(first => _bytes[first + steps] - _bytes[first]);
    }

    private static long Allocated(SteppedEngine engine)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < CountedSteps; i++)
        {
            engine.Loop.Step();
        }

        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    /// <summary>Every adapter, the base, a mix of two; greedy, at a temperature, with penalties and every filter.</summary>
    private static IEnumerable<GenerationRequest> Requests()
    {
        SamplingOptions[] sampling =
        [
            SamplingOptions.Greedy,
            new() { Temperature = 1, Seed = 1 },
            new() { Temperature = 0.8f, TopK = 20, TopP = 0.9f, MinP = 0.01f, Seed = 2 },
            new() { Temperature = 1, RepetitionPenalty = 1.1f, PresencePenalty = 0.2f, FrequencyPenalty = 0.1f, Seed = 3 },
        ];
        IReadOnlyList<string> names = SteppedEngine.AdapterNames;
        for (int i = 0; i < names.Count + 3; i++)
        {
            yield return new GenerationRequest
            {
                Prompt = new int[] { 5 + i, 6, 7 },
                Adapter = i < names.Count ? names[i] : null,
                Adapters = i == names.Count ? [new AdapterUse(names[0], 0.5f), new AdapterUse(names[1], 0.5f)] : [],
                Sampling = sampling[i % sampling.Length],
                MaxTokens = WarmUpSteps + (Windows * CountedSteps) + 10,
                IgnoreEndOfText = true,
            };
        }
    }
}
