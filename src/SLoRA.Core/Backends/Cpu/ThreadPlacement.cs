using System.Collections.Immutable;
using SLoRA.Native;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// The processors that the threads of one shard run on: those of one memory node, so that what they touch first lies there.
/// </summary>
/// <param name="processors">The processors.</param>
internal sealed class ThreadPlacement(ImmutableArray<int> processors)
{
    [ThreadStatic]
    private static ThreadPlacement? _current;

    /// <summary>The processors.</summary>
    public ImmutableArray<int> Processors => processors;

    /// <summary>A placement for each of several shards: consecutive ones on the nodes in turn; none where there is one node.</summary>
    /// <param name="shards">Shards.</param>
    /// <param name="nodes">The processors of each node.</param>
    public static ThreadPlacement?[] Of(int shards, ImmutableArray<ImmutableArray<int>> nodes)
    {
        var placements = new ThreadPlacement?[shards];
        for (int shard = 0; shard < shards && nodes.Length > 1 && shards > 1; shard++)
        {
            placements[shard] = new ThreadPlacement(nodes[shard * Math.Min(shards, nodes.Length) / shards]);
        }

        return placements;
    }

    /// <summary>What status says of the placements of all shards.</summary>
    public static string Describe(ThreadPlacement?[] placements) => string.Join("; ", placements.Select(
        (placement, shard) => $"shard {shard} on processors {string.Join(",", placement!.Processors)}"));

    /// <summary>Keeps the calling thread, one of the engine's own, on these processors from now on.</summary>
    public void Enter()
    {
        if (_current != this)
        {
            _ = ThreadAffinity.Set(processors);
            _current = this;
        }
    }

    /// <summary>Keeps the calling thread on these processors while something is done, for memory to lie beside them.</summary>
    public T Within<T>(Func<T> action)
    {
        HashSet<int>? before = ThreadAffinity.Get();
        bool entered = before is not null && ThreadAffinity.Set(processors);
        try
        {
            return action();
        }
        finally
        {
            if (entered)
            {
                _ = ThreadAffinity.Set(before!);
            }
        }
    }
}
