using NUnit.Framework;

namespace SLoRA.Core.Tests.Engine;

[TestFixture]
internal sealed class StepAllocationTests
{
    private const int WarmUpSteps = 40;
    private const int CountedSteps = 100;
    private const int Windows = 2;

    [TestCase(1, false)]
    [TestCase(3, false)]
    [TestCase(1, true)]
    public void Steps_allocate_nothing_on_their_thread(int threads, bool listens)
    {
        using CountingListener? listener = listens ? new CountingListener() : null;
        using var engine = new SteppedEngine(
            builder => builder
                .CheckInvariants(false)
                .ConfigureMetrics(metrics => metrics.MeterFactory = listener)
                .ConfigureScheduling(scheduling => scheduling.StreamBuffer = 1024)
                .UseCpu(cpu => cpu.Threads = threads),
            adapters: SteppedEngine.AdapterNames);
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
            Assert.That(listener is null
                || listener.Measurements > 3 * Windows * CountedSteps, Is.True, "the listener heard of every step");
            Assert.That(running, Is.EqualTo(answers.Length), "every request ran");
            Assert.That(status.ComputedTokens - computed, Is.EqualTo((long)Windows * CountedSteps * answers.Length),
                "every request had a row in every step");
            Assert.That(status.LastStep.Adapters, Is.EqualTo(SteppedEngine.AdapterNames.Count), "every adapter took part");
        });
        engine.Finish(answers);
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
