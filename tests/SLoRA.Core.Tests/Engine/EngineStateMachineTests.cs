using System.Collections.Concurrent;
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using SLoRA.Core.Tests.Scheduling;
using SLoRA.Scheduling;

namespace SLoRA.Core.Tests.Engine;

/// <summary>
/// Random histories of requests, cancellations, adapter changes and steps over a pool that is too small for all of it, with and without
/// reuse of prefixes and over-commit, and of a model that keeps states of sequences. The invariants hold after every step, every request
/// ends as its history says with the tokens that it has alone, and at the end every page is free.
/// </summary>
/// <param name="overlaps">Whether a step publishes while the next one computes.</param>
[TestFixture(false)]
[TestFixture(true)]
[Parallelizable(ParallelScope.All)]
public sealed class EngineStateMachineTests(bool overlaps)
{
    private static readonly string[] Contents = ["qv", "r1", "rslora", "wide", "embed-and-head"];

    /// <summary>Answers of requests alone, by content and request.</summary>
    private static readonly ConcurrentDictionary<(string? Content, int Argument, bool IsLong, bool KeepsStates), IReadOnlyList<int>> Alone =
        new();

    private static readonly Lazy<SteppedEngine> Oracle =
        new(() => new SteppedEngine(builder => builder.ConfigurePool(pool => pool.PrefixReuse = false), adapters: Contents));

    private static readonly Lazy<SteppedEngine> StateOracle = new(() => StateModel.Engine(adapters: Contents, onCpu: true));

    [SeededProperty(MaxTest = 60)]
    public void Nothing_is_lost_in_any_history(NonEmptyArray<byte> history, byte seed) =>
        Replay(history.Get, seed, reuse: true, overCommit: null);

    [SeededProperty(MaxTest = 20)]
    public void Nothing_is_lost_without_reuse(NonEmptyArray<byte> history, byte seed) =>
        Replay(history.Get, seed, reuse: false, overCommit: null);

    [SeededProperty(MaxTest = 40)]
    public void Nothing_is_lost_under_over_commit(NonEmptyArray<byte> history, byte seed, bool reuse, bool swaps) =>
        Replay(history.Get, seed, reuse, swaps ? PreemptionMode.Swap : PreemptionMode.Recompute);

    [SeededProperty(MaxTest = 60)]
    public void Nothing_is_lost_under_any_policy(NonEmptyArray<byte> history, byte seed, bool reuse, bool overCommit, bool swaps) => Replay(
        history.Get, seed, reuse, overCommit ? swaps ? PreemptionMode.Swap : PreemptionMode.Recompute : null,
        new PolicyOrder(RandomPolicy.Draw(new Random(seed), limitsRates: true), TimeProvider.System));

    [SeededProperty(MaxTest = 12)]
    public void Nothing_is_lost_of_states(NonEmptyArray<byte> history, byte seed, bool overCommit, bool swaps) => Replay(
        history.Get, seed, reuse: true, overCommit ? swaps ? PreemptionMode.Swap : PreemptionMode.Recompute : null, keepsStates: true);

    /// <summary>A history that is long and full of requests, from a seed, so that the pool is contended all the time.</summary>
    [TestCase(1, true, null)]
    [TestCase(2, true, PreemptionMode.Recompute)]
    [TestCase(3, false, PreemptionMode.Recompute)]
    [TestCase(4, true, PreemptionMode.Swap)]
    [TestCase(5, false, PreemptionMode.Swap)]
    [TestCase(6, true, PreemptionMode.Auto)]
    public void Nothing_is_lost_in_a_long_history(int seed, bool reuse, PreemptionMode? overCommit) =>
        ReplayLong(seed, reuse, overCommit, null);

    /// <summary>
    /// The same under orders that have nothing in common with the engine's own: one is its opposite, one changes in every step.
    /// </summary>
    [TestCase(7, true, null)]
    [TestCase(8, true, PreemptionMode.Recompute)]
    [TestCase(9, false, PreemptionMode.Swap)]
    public void Nothing_is_lost_under_another_order(int seed, bool reuse, PreemptionMode? overCommit)
    {
        ReplayLong(seed, reuse, overCommit, new LastCome());
        ReplayLong(seed, reuse, overCommit, new LeastServed(adapter => adapter.Length == 0 ? 1 : adapter[^1] - '0' + 1));
    }

    /// <summary>The same under policies, each with everything at once.</summary>
    [TestCase(10, true, null, ServiceOrder.FirstCome, 1000)]
    [TestCase(11, true, PreemptionMode.Recompute, ServiceOrder.LastCome, 1000)]
    [TestCase(12, false, PreemptionMode.Swap, ServiceOrder.ShortestFirst, 1000)]
    [TestCase(13, false, PreemptionMode.Recompute, ServiceOrder.ShortestFirst, 1)]
    [TestCase(14, true, PreemptionMode.Auto, ServiceOrder.FirstCome, 1)]
    public void Nothing_is_lost_under_a_policy(int seed, bool reuse, PreemptionMode? overCommit, ServiceOrder service, int ageing)
    {
        var weights = new Dictionary<string, double> { ["name1"] = 2, ["name2"] = 0.5 };
        var policy = new SchedulingPolicy
        {
            Order = service,
            Priorities = true,
            Key = AccountKey.Adapter,
            Shares = new FairShares { Weights = weights, PageInPrice = 100 },
            Ageing = TimeSpan.FromMilliseconds(ageing),
            AbortsLate = true,
        };
        ReplayLong(seed, reuse, overCommit, new PolicyOrder(policy, TimeProvider.System));
        policy = policy with { Locality = new LocalityPreference { RunningAdapters = 2 }, Quota = new Quota { MaxRunning = 4 } };
        ReplayLong(seed, reuse, overCommit, new PolicyOrder(policy, TimeProvider.System));
    }

    [TestCase(10, null)]
    [TestCase(11, PreemptionMode.Recompute)]
    [TestCase(12, PreemptionMode.Swap)]
    public void Nothing_is_lost_of_states_in_a_long_history(int seed, PreemptionMode? overCommit) =>
        ReplayLong(seed, true, overCommit, null, length: 300, keepsStates: true);

    private void ReplayLong(
        int seed, bool reuse, PreemptionMode? overCommit, IQueueOrder? order, int length = 600, bool keepsStates = false)
    {
        var random = new Random(seed);
        long preempted = Replay(
            [.. Enumerable.Range(0, length).Select(_ => (byte)random.Next(256))], (byte)seed, reuse, overCommit, order, keepsStates);
        Assert.That(preempted, overCommit is null ? Is.Zero : Is.GreaterThan(0));
    }

    private long Replay(
        byte[] history, byte seed, bool reuse, PreemptionMode? overCommit, IQueueOrder? order = null, bool keepsStates = false)
    {
        Action<LoraServingEngineBuilder> configure = builder => builder
            .ConfigurePool(pool => (pool.Bytes, pool.PrefixReuse) = (48 * 12288, reuse))
            .ConfigureScheduling(scheduling =>
            {
                scheduling.MaxRowsPerStep = 16;
                scheduling.MaxRunning = overCommit is null ? 5 : 9;
                scheduling.OverCommit = overCommit is not null;
                scheduling.OverCommitLookahead = 4;
                scheduling.Preemption = overCommit ?? PreemptionMode.Auto;
                scheduling.SwapBytes = 16 * 12288;
            });
        Func<int> chunkLimit = new Random(seed).NextChunk;
        using SteppedEngine engine = keepsStates
            ? StateModel.Engine(configure, chunkLimit, overlaps: overlaps, onCpu: true)
            : new SteppedEngine(configure, chunkLimit, overlaps: overlaps, order: order);
        var registered = new Dictionary<string, string>();
        var asked = new List<(Answer Answer, CancellationTokenSource Cancellation, string? Content, int Argument)>();
        foreach (byte call in history)
        {
            int argument = call / 8;
            string name = "name" + (argument % 3);
            switch (call % 8)
            {
                case 0 or 1:
                    string? adapter =
                        argument % 4 == 0 || registered.Count == 0 ? null : registered.Keys.ElementAt(argument % registered.Count);
                    var cancellation = new CancellationTokenSource();
                    GenerationRequest request = Request(argument, overCommit is not null) with { Adapter = adapter };
                    asked.Add(
                        (engine.Ask(request, cancellation.Token), cancellation, adapter is null ? null : registered[adapter], argument));
                    break;
                case 2 when asked.Count > 0:
                    asked[argument % asked.Count].Cancellation.Cancel();
                    break;
                case 3:
                    string content = Contents[argument % Contents.Length];
                    engine.Run(engine.Adapters.ReplaceAsync(name, SteppedEngine.AdapterFolder(content), argument % 2 == 0
                        ? AdapterValidation.Headers
                        : AdapterValidation.Content));
                    registered[name] = content;
                    break;
                case 4 when argument % 4 == 0:
                    Assert.That(engine.Run(engine.Adapters.UnregisterAsync(name)), Is.EqualTo(registered.Remove(name)));
                    break;
                case 4 when argument % 4 == 1:
                    engine.DropCaches();
                    break;
                default:
                    engine.Loop.Step();
                    break;
            }
        }

        engine.Finish(asked.Select(entry => entry.Answer));

        foreach ((Answer answer, CancellationTokenSource cancellation, string? content, int argument) in asked)
        {
            FinishReason reason = answer.Stream.FinishReason!.Value;
            if (!cancellation.IsCancellationRequested)
            {
                Assert.That(reason, Is.AnyOf(FinishReason.Length, FinishReason.StopToken), answer.Error?.ToString());
                Assert.That(
                    InOrder(answer), Is.EqualTo(TokensAlone(content, argument, overCommit is not null, keepsStates)),
                    $"{content ?? "base"} {argument}");
            }
            else
            {
                Assert.That(
                    reason, Is.AnyOf(FinishReason.Cancelled, FinishReason.Length, FinishReason.StopToken), answer.Error?.ToString());
            }
        }

        foreach (string name in registered.Keys)
        {
            engine.Run(engine.Adapters.UnregisterAsync(name));
        }

        Assert.That(engine.Loop.Generations.Count, Is.EqualTo(0), "contents");
        engine.DropCaches();
        Assert.That(engine.Loop.Snapshot().Pool.Free.Length, Is.EqualTo(engine.Status.Pool.Total), "free pages");
        Assert.That(engine.Loop.Snapshot().Pool.Reserved, Is.EqualTo(0), "promised pages");
        Assert.That(engine.Loop.Snapshot().SwapBlocks, Is.EqualTo(0), "swapped pages");
        return engine.Loop.Preemption.Counters.Preempted;
    }

    /// <summary>
    /// Prompts begin alike, so that they share pages, and end differently; long answers make pages run out under over-commit.
    /// </summary>
    private static GenerationRequest Request(int argument, bool isLong) => new()
    {
        Prompt = Enumerable.Range(0, 1 + (2 * argument)).Select(i => i < 16 + argument ? i : argument + i).ToArray(),
        MaxTokens = isLong ? 1 + (argument * 4) : 1 + (argument % 9),
        Continuations = isLong && argument % 7 == 6 ? 2 : 1,
        IgnoreEndOfText = isLong,
    };

    /// <summary>The tokens, one continuation after the other.</summary>
    private static int[] InOrder(Answer answer) =>
        [.. answer.Items.OrderBy(token => token.Continuation).ThenBy(token => token.Index).Select(token => token.Id)];

    private static IReadOnlyList<int> TokensAlone(string? content, int argument, bool isLong, bool keepsStates)
    {
        lock (Alone)
        {
            return Alone.GetOrAdd((content, argument, isLong, keepsStates), key =>
            {
                SteppedEngine oracle = (key.KeepsStates ? StateOracle : Oracle).Value;
                Answer answer = oracle.Ask(Request(key.Argument, key.IsLong) with { Adapter = key.Content });
                oracle.Finish(answer);
                return InOrder(answer);
            });
        }
    }
}

internal static class ChunkLimits
{
    /// <summary>A chunk of 1 to 12 rows.</summary>
    public static int NextChunk(this Random random) => random.Next(1, 13);
}
