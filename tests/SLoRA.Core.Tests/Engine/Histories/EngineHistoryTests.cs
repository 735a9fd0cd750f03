using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.FSharp.Core;
using NUnit.Framework;
using NUnit.Framework.Internal;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Backends.Reference;

namespace SLoRA.Core.Tests.Engine.Histories;

/// <summary>
/// The state machine: histories of everything that callers, disks and time can do to an engine, on a tiny model of each kind. After every
/// step the books are checked; every answer has the bits of the request alone under the content that its names stood for, and at the end
/// everything has been given back.
/// </summary>
/// <remarks>
/// <c>SLORA_OPERATIONS=1000000</c> makes it long; <c>SLORA_SEED=17</c> repeats one history, or begins there if both are given. A failing
/// one says its number, and is made shorter first.
/// </remarks>
[Parallelizable(ParallelScope.All)]
public sealed class EngineHistoryTests
{
    private const int Length = 250;
    private const int SeedOfOther = 3;
    private const int Few = 3;
    private const string Dense = "dense";

    private static readonly Func<int, int, IBackend> Shards =
        (rows, outputs) => CpuShards.Create(rows, outputs, 2, CpuWeights.AsStored, shards: 2, checksPages: true);

    private static readonly Func<int, int, IBackend> Reference = (rows, outputs) => new ReferenceBackend(rows, outputs);

    private static readonly string[] Kinds = [.. ModelKind.All.Keys.Order(StringComparer.Ordinal)];

    private static readonly string[] OtherKinds = [.. Kinds.Where(static kind => kind != Dense)];

    private static readonly ImmutableDictionary<string, AloneAnswers> CpuAnswers =
        ModelKind.All.ToImmutableDictionary(kind => kind.Key, kind => new AloneAnswers(kind.Value));

    private static readonly ImmutableDictionary<string, AloneAnswers> ReferenceAnswers =
        ModelKind.All.ToImmutableDictionary(kind => kind.Key, kind => new AloneAnswers(kind.Value, Reference));

    /// <summary>What a few histories have seen.</summary>
    private static readonly string[] Always = ["answered", "preemptions", "tokens from the prefix cache"];

    /// <summary>What many of the dense kind have seen besides.</summary>
    private static readonly string[] Sometimes =
    [
        "preloads", "steps while pages are written", "requests that passed one before them", nameof(ConsumerStalledException),
        nameof(AdapterLoadException), nameof(AdapterNotFoundException), nameof(DeadlineExceededException),
        nameof(OperationCanceledException), "left",
    ];

    [Test]
    public void Whatever_happens_answers_are_those_of_requests_alone_and_everything_is_given_back(
        [ValueSource(nameof(Kinds))] string kind, [Values] bool overlaps) =>
        ReplayMany(kind, overlaps, 1, kind == Dense ? 24 : Few);

    /// <summary>Further ones, of which the eighth is computed by the Reference backend.</summary>
    [Test]
    [Category("Long")]
    public void Whatever_happens_to_a_model_of_any_kind_answers_are_those_of_requests_alone(
        [ValueSource(nameof(OtherKinds))] string kind, [Values] bool overlaps) =>
        ReplayMany(kind, overlaps, Few + 1, 8);

    /// <summary>
    /// Threads read, and consumers run on the pool, but a number stands for one history: on both backends, with everything that can go
    /// wrong.
    /// </summary>
    [TestCase(1, false)]
    [TestCase(1, true)]
    [TestCase(5, false, Category = "Long")]
    [TestCase(8, true, Category = "Longest")]
    [TestCase(97, false, Category = "Longest")]
    [TestCase(113, true, Category = "Longest")]
    public void A_seed_does_the_same_whenever_it_is_repeated(int seed, bool overlaps)
    {
        HistoryLog first = LogOf(seed, overlaps);
        Assert.That(first.Lines, Has.Count.GreaterThan(100));
        Assert.That(LogOf(seed, overlaps).Lines, Is.EqualTo(first.Lines));
    }

    [Test]
    public void A_seed_does_the_same_in_another_process()
    {
        string[] lines = ChildProcess.Run(WriteLog).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(lines, Is.EqualTo(LogOf(SeedOfOther).Lines));
    }

    private static void WriteLog()
    {
        foreach (string line in LogOf(SeedOfOther).Lines)
        {
            Console.WriteLine(line);
        }
    }

    private static HistoryLog LogOf(int seed, bool overlaps = false)
    {
        var log = new HistoryLog();
        Replay(Dense, seed, overlaps, new HistoryCounts(), log);
        return log;
    }

    private static void ReplayMany(string kind, bool overlaps, int usualFirst, int usual)
    {
        int first = (int)(Variable("SLORA_SEED") ?? usualFirst);
        bool isOne = Variable("SLORA_SEED") is not null && Variable("SLORA_OPERATIONS") is null;
        int histories = isOne ? 1 : (int?)(Variable("SLORA_OPERATIONS") / Length) ?? usual;
        var counts = new HistoryCounts();
        var clock = Stopwatch.StartNew();
        for (int seed = first; seed < first + histories; seed++)
        {
            Replay(kind, seed, overlaps, counts);
            if (seed % 400 == 0)
            {
                TestContext.Progress.WriteLine($"{seed} histories of {kind}, {clock.Elapsed.TotalSeconds:0} s: {counts}");
            }
        }

        TestContext.Out.WriteLine($"{histories} histories of {kind}, {clock.Elapsed.TotalSeconds:0.0} s: {counts}");
        IEnumerable<string> seen = isOne ? [] : kind == Dense && histories > 20 ? [.. Always, .. Sometimes] : Always;
        foreach (string what in seen)
        {
            Assert.That(counts[what], Is.GreaterThan(0), what);
        }
    }

    private static void Replay(string kind, int seed, bool overlaps, HistoryCounts counts, HistoryLog? log = null)
    {
        bool onReference = seed % 8 == 0;
        AloneAnswers alone = (onReference ? ReferenceAnswers : CpuAnswers)[kind];

        // What requests alone have on one shard, they have in any history on two.
        bool onShards = kind == Dense && seed % 8 == 4;
        Func<int, int, IBackend>? backend = onReference ? Reference : onShards ? Shards : null;
        var number = new Replay(new Rnd((ulong)seed), FSharpOption<int>.Some(100));
        Property property = Prop.ForAll(Operation.Histories(Length), operations =>
        {
            // Attempts to make a failing history shorter fail too; only the last of them is this test's failure.
            using var attempt = new TestExecutionContext.IsolatedContext();
            using var history = new EngineHistory(alone, backend, seed, log, overlaps);
            foreach (Operation operation in operations)
            {
                history.Apply(operation);
            }

            history.Finish();
            counts.Add(history.Counts);
        });
        try
        {
            Check.One(Config.QuickThrowOnFailure.WithQuietOnSuccess(true).WithMaxTest(1)
                .WithReplay(FSharpOption<Replay>.Some(number)), property);
        }
        catch (Exception error)
        {
            int shrunk = Math.Max(error.Message.IndexOf("Shrunk:", StringComparison.Ordinal), 0);
            throw new AssertionException($"SLORA_SEED={seed} repeats it. {error.Message[shrunk..]}");
        }
    }

    private static long? Variable(string name) =>
        long.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out long value)
            ? value
            : null;
}
