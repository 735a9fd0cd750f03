using System.Collections.Immutable;
using SLoRA.Backends.Sharded;

namespace SLoRA.Backends.Cpu;

/// <summary>Makes one backend of several groups of threads.</summary>
internal static class CpuShards
{
    /// <summary>Makes the shards and what stands in front of them.</summary>
    /// <param name="rowLimit">The most rows of a step.</param>
    /// <param name="outputLimit">The most output rows of a step.</param>
    /// <param name="threads">Threads of all shards together; null takes as many as the process may use.</param>
    /// <param name="weights">How matrices are kept.</param>
    /// <param name="shards">Shards.</param>
    /// <param name="machineCode">Whether machine code of the library's own may run.</param>
    /// <param name="checksPages">Whether shards are compared, after every step, in what two of them keep alike.</param>
    /// <param name="shard">What stands before a shard, by its number; for tests.</param>
    /// <param name="collective">What stands before a shard's collective; for tests.</param>
    /// <param name="nodes">The processors of each memory node, on which shards are placed; none by default.</param>
    /// <param name="precision">Whether weights of few bits may be computed with integers.</param>
    /// <param name="image">Where packed weights are kept in files; null for nowhere.</param>
    public static IBackend Create(
        int rowLimit,
        int outputLimit,
        int? threads,
        CpuWeights weights,
        int shards,
        MachineCodeUse machineCode = MachineCodeUse.Automatic,
        bool checksPages = false,
        Func<int, IBackend, IBackend>? shard = null,
        Func<ICollective, ICollective>? collective = null,
        CpuPrecision precision = CpuPrecision.Automatic,
        ImmutableArray<ImmutableArray<int>> nodes = default,
        ImagePlace? image = null)
    {
        var meeting = new Meeting(shards);
        var backends = new List<IBackend>(shards);
        ThreadPlacement?[] placements = ThreadPlacement.Of(shards, nodes.IsDefault ? [] : nodes);
        int all = threads ?? Environment.ProcessorCount;
        try
        {
            for (int i = 0; i < shards; i++)
            {
                int number = i;
                int own = Math.Max(1, (all * (i + 1) / shards) - (all * i / shards));
                IBackend backend =
                    new CpuBackend(rowLimit, outputLimit, own, weights, Collective, machineCode, precision, placements[i], image);
                if (placements[i] is { } placement)
                {
                    backend = new PlacedBackend(backend, placement, ThreadPlacement.Describe(placements));
                }

                backends.Add(shard is null ? backend : shard(i, backend));

                ICollective Collective(ComputeThreads computing)
                {
                    var plain = new CpuCollective(number, meeting, computing);
                    return collective is null ? plain : collective(plain);
                }
            }

            return new ShardedBackend("Cpu.Shards", [.. backends], meeting, outputLimit, checksPages);
        }
        catch
        {
            backends.ForEach(backend => backend.Dispose());
            throw;
        }
    }
}
