using System.Collections.Immutable;
using NUnit.Framework;
using SLoRA.Backends.Cpu;
using SLoRA.Core.Tests.Backends.Shards;
using SLoRA.Native;

namespace SLoRA.Core.Tests.Backends.Cpu;

/// <summary>Threads of shards stay on the processors of a memory node where there are several.</summary>
public sealed class ThreadPlacementTests
{
    private static readonly ImmutableArray<ImmutableArray<int>> TwoNodes = [[0, 1], [2, 3]];

    [Test]
    public void Shards_are_spread_over_the_nodes_in_order()
    {
        Assert.That(Nodes(2, TwoNodes), Is.EqualTo((int[][])[[0, 1], [2, 3]]));
        Assert.That(Nodes(4, TwoNodes), Is.EqualTo((int[][])[[0, 1], [0, 1], [2, 3], [2, 3]]));
        Assert.That(Nodes(2, [[0], [1], [2], [3]]), Is.EqualTo((int[][])[[0], [1]]));
    }

    [Test]
    public void One_node_or_one_shard_leaves_threads_where_they_are()
    {
        Assert.That(ThreadPlacement.Of(4, [[0, 1, 2]]), Is.All.Null);
        Assert.That(ThreadPlacement.Of(4, []), Is.All.Null);
        Assert.That(ThreadPlacement.Of(1, TwoNodes), Is.All.Null);
    }

    [Test]
    public async Task Placed_shards_answer_as_others_do_and_status_says_where_they_are()
    {
        int[] processors = [.. (ThreadAffinity.Get() ?? []).Order().Take(2)];
        if (processors.Length < 2)
        {
            Assert.Ignore("The process may use one processor only, or the system does not say which.");
        }

        HashSet<int> before = ThreadAffinity.Get()!;
        GenerationRequest request =
            new() { Prompt = new[] { 3, 4, 5, 6, 7 }, MaxTokens = 6, IgnoreEndOfText = true, Adapter = "all-linear" };
        await using LoraServingEngine engine = await ShardedEngine.Builder("core-llama-gqa").UseBackend((rows, outputs) => CpuShards.Create(
            rows, outputs, 4, CpuWeights.AsStored, 2, nodes: [[processors[0]], [processors[1]]])).BuildAsync();

        Assert.That(
            engine.Status.Backend.Placement,
            Is.EqualTo($"shard 0 on processors {processors[0]}; shard 1 on processors {processors[1]}"));
        string[] expected = await ShardedEngine.Answers("core-llama-gqa", 1, [request]);
        Assert.That(await ShardedEngine.Answer(engine, request), Is.EqualTo(expected[0]));
        Assert.That(ThreadAffinity.Get(), Is.EqualTo(before), "the thread that builds is the caller's");
    }

    [Test]
    public void A_thread_that_is_placed_stays_there()
    {
        if (ThreadAffinity.Get() is not { Count: > 1 } allowed)
        {
            Assert.Ignore("The process may use one processor only, or the system does not say which.");
            return;
        }

        HashSet<int>? within = null;
        HashSet<int>? after = null;
        HashSet<int>? entered = null;
        int last = allowed.Max();
        var thread = new Thread(() =>
        {
            var placement = new ThreadPlacement([last]);
            within = placement.Within(ThreadAffinity.Get);
            after = ThreadAffinity.Get();
            placement.Enter();
            entered = ThreadAffinity.Get();
        });
        thread.Start();
        thread.Join();

        Assert.That(within, Is.EqualTo(new HashSet<int> { last }));
        Assert.That(after, Is.EqualTo(allowed));
        Assert.That(entered, Is.EqualTo(new HashSet<int> { last }));
    }

    private static int[][] Nodes(int shards, ImmutableArray<ImmutableArray<int>> nodes) =>
        [.. ThreadPlacement.Of(shards, nodes).Select(placement => placement!.Processors.ToArray())];
}
