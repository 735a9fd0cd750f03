using NUnit.Framework;
using SLoRA.Backends.Cpu;
using SLoRA.Core.Tests.Engine.Histories;

namespace SLoRA.Core.Tests.Engine;

/// <summary>
/// Options at the ends of their ranges, in any mixture: an engine is built and answers as ever, and refuses only more continuations
/// than may run at once.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class ExtremeOptionsTests
{
    private static readonly string?[] Adapters = [null, "qv", "r1"];

    private static readonly Lazy<int[]?[]> Expected = new(() => Answers(new SteppedEngine(adapters: Adapters.OfType<string>())));

    [Test]
    public void Whatever_the_options_every_request_that_may_run_has_the_same_answer([Range(1, 60)] int seed)
    {
        var random = new Random(seed);

        // The largest steps are few: their memory is real.
        int rows = OneOf(random, 1, 3, 256, seed % 10 == 0 ? 65_536 : 64);
        int running = OneOf(random, 1, 4, 128, 4096);
        var engine = new SteppedEngine(
            builder => builder
                .UseBackend((rows, outputs) => new CpuBackend(rows, outputs, 1))
                .ConfigurePool(pool =>
                {
                    pool.Bytes = OneOf(random, 20L, 64L, 256L) * EngineHistory.PageBytes;
                    pool.PrefixReuse = random.Next(2) == 0;
                })
                .ConfigureScheduling(scheduling =>
                {
                    scheduling.MaxRowsPerStep = rows;
                    scheduling.MaxPromptRowsPerStep = OneOf<int?>(random, null, 1, 65_536);
                    scheduling.MaxRunning = running;
                    scheduling.MaxWaiting = OneOf(random, 12, 1_000_000);
                    scheduling.DefaultMaxTokens = OneOf(random, 1, int.MaxValue);
                    scheduling.StreamBuffer = OneOf(random, 1, 64, 65_536);
                    scheduling.OverCommit = random.Next(3) > 0;
                    scheduling.OverCommitLookahead = OneOf(random, 0, 1, 64, int.MaxValue - 40, int.MaxValue);
                    scheduling.Preemption = OneOf(random, PreemptionMode.Auto, PreemptionMode.Recompute, PreemptionMode.Swap);
                    scheduling.SwapBytes = OneOf(random, 0, 1, 5 * EngineHistory.PageBytes, long.MaxValue);
                })
                .ConfigureAdapters(adapters =>
                {
                    adapters.HostBytes = OneOf(random, 0, 1, long.MaxValue);
                    adapters.MaxConcurrentLoads = OneOf(random, 1, 256);
                    adapters.LoadTimeout = TimeSpan.FromDays(OneOf(random, 1, 49));
                    adapters.PageInShare = OneOf(random, double.Epsilon, 0.1, 1);
                    adapters.MaxSourceNames = OneOf(random, 1, 10_000_000);
                })
                .ConfigureMetrics(metrics => metrics.MaxAdapterTags = metrics.MaxAccountTags = OneOf(random, 0, 65_536)),
            adapters: Adapters.OfType<string>());

        int[]?[] answers = Answers(engine);
        for (int i = 0; i < answers.Length; i++)
        {
            Assert.That(answers[i], ContinuationsOf(i) > Math.Min(rows, running) ? Is.Null : Is.EqualTo(Expected.Value[i]), $"request {i}");
        }
    }

    /// <summary>The answers of an engine; null for a request of more continuations than may run at once.</summary>
    private static int[]?[] Answers(SteppedEngine engine)
    {
        using (engine)
        {
            Answer?[] answers = [.. Enumerable.Range(0, 6).Select(i => AskOf(engine, i))];
            engine.Finish(answers.OfType<Answer>());
            return
            [
                .. answers.Select(answer => answer?.Items.OrderBy(token => token.Continuation).ThenBy(token => token.Index)
                    .Select(token => token.Id).ToArray()),
            ];
        }
    }

    private static Answer? AskOf(SteppedEngine engine, int i)
    {
        try
        {
            return engine.Ask(new GenerationRequest
            {
                Prompt = Enumerable.Range(7 * i, 30 + i).ToArray(),
                Adapter = Adapters[i % 3],
                Continuations = ContinuationsOf(i),
                MaxTokens = 20,
                IgnoreEndOfText = true,
                Sampling = new SamplingOptions { Temperature = 0.8f, Seed = i },
            });
        }
        catch (InvalidRequestException error) when (error.Parameter == nameof(GenerationRequest.Continuations))
        {
            return null;
        }
    }

    private static int ContinuationsOf(int request) => 1 + (request % 2);

    private static T OneOf<T>(Random random, params ReadOnlySpan<T> values) => values[random.Next(values.Length)];
}
