using System.Collections.Concurrent;
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using SLoRA.Core.Tests.Scheduling;
using SLoRA.Scheduling;

namespace SLoRA.Core.Tests.Engine;

/// <summary>
/// Random histories of requests, cancellations, adapter changes and steps over a pool that is too small for all of it, with and without
/// reuse of prefixes and over-commit, and of models of every kind. The invariants hold after every step, every request
/// ends as its history says with the tokens that it has alone, and at the end every page is free.
/// </summary>
/// <param name="overlaps">Whether a step publishes while the next one computes.</param>
[TestFixture(false)]
[TestFixture(true)]
[Parallelizable(ParallelScope.All)]
public sealed class EngineStateMachineTests(bool overlaps)
{
    private static readonly string[] Kinds = [.. ModelKind.All.Keys.Where(kind => kind != "dense").Order(StringComparer.Ordinal)];

    /// <summary>Answers of requests alone, by model, content and request.</summary>
    private static readonly ConcurrentDictionary<(ModelKind Kind, string? Content, int Argument, bool IsLong), IReadOnlyList<int>> Alone =
        new();

    private static readonly ConcurrentDictionary<ModelKind, SteppedEngine> Oracles = new();

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

    [SeededProperty(MaxTest = 40)]
    public void Nothing_is_lost_of_any_kind_of_model(NonEmptyArray<byte> history, byte seed, bool reuse, bool overCommit, bool swaps) =>
        Replay(
            history.Get, seed, reuse, overCommit ? swaps ? PreemptionMode.Swap : PreemptionMode.Recompute : null,
            kind: Kinds[seed % Kinds.Length]);

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

    [Test]
    public void Nothing_is_lost_of_any_kind_of_model_in_a_long_history(
        [ValueSource(nameof(Kinds))] string kind, [Values(null, PreemptionMode.Recompute, PreemptionMode.Swap)] PreemptionMode? overCommit)
    {
        var random = new Random(kind.Length);
        byte[] history = [.. Enumerable.Range(0, 250).Select(_ => (byte)random.Next(256))];
        long preempted = Replay(history, (byte)kind.Length, true, overCommit, kind: kind);
        if (overCommit is null)
        {
            Assert.That(preempted, Is.Zero);
        }
    }

    private void ReplayLong(
        int seed, bool reuse, PreemptionMode? overCommit, IQueueOrder? order, int length = 600)
    {
        var random = new Random(seed);
        long preempted = Replay(
            [.. Enumerable.Range(0, length).Select(_ => (byte)random.Next(256))], (byte)seed, reuse, overCommit, order);
        Assert.That(preempted, overCommit is null ? Is.Zero : Is.GreaterThan(0));
    }

    private long Replay(
        byte[] history, byte seed, bool reuse, PreemptionMode? overCommit, IQueueOrder? order = null, string kind = "dense")
    {
        ModelKind model = ModelKind.All[kind];
        Action<LoraServingEngineBuilder> configure = builder => builder
            .ConfigurePool(pool => (pool.Bytes, pool.PrefixReuse) = (model.PoolBytes, reuse))
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
        using SteppedEngine engine = model.Engine(configure, chunkLimit, overlaps, order);
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
                    string content = model.AllContents[argument % model.AllContents.Length];
                    engine.Run(engine.Adapters.ReplaceAsync(name, model.AdapterFolder(content), argument % 2 == 0
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
                    InOrder(answer), Is.EqualTo(TokensAlone(model, content, argument, overCommit is not null)),
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

    private static IReadOnlyList<int> TokensAlone(ModelKind model, string? content, int argument, bool isLong)
    {
        lock (Alone)
        {
            return Alone.GetOrAdd((model, content, argument, isLong), key =>
            {
                SteppedEngine oracle = Oracles.GetOrAdd(key.Kind, kind => kind.Engine(builder =>
                {
                    builder.ConfigurePool(pool => pool.PrefixReuse = false);
                    foreach (string adapter in kind.AllContents)
                    {
                        builder.AddAdapter(adapter, kind.AdapterFolder(adapter));
                    }
                }));
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
