using System.Collections.Immutable;
using SLoRA.Step;

namespace SLoRA.Backends.Sharded;

/// <summary>Rows of which each shard has its own columns, or all where there are no splits.</summary>
internal sealed class ShardedRows(RowSet rows, int width, ImmutableArray<Split> splits, DeviceRows[] parts, int copies = 1)
    : DeviceRows(rows, width, copies)
{
    /// <summary>What lies side by side in the rows.</summary>
    public ImmutableArray<Split> Splits => splits;

    /// <summary>What each shard has.</summary>
    public DeviceRows[] Parts => parts;

    /// <summary>Where a shard has the columns that begin at a column of the whole rows, and how many: those of one split, or all.</summary>
    public (int First, int Columns) OnShard(int firstColumn, int columns, int shard)
    {
        if (splits.IsEmpty)
        {
            return (firstColumn, columns);
        }

        if (columns == Width)
        {
            return (0, parts[shard].Width);
        }

        int begin = 0;
        int local = 0;
        foreach (Split split in splits)
        {
            if (begin == firstColumn && columns == split.Columns)
            {
                return (local, split.ColumnsOf(shard, parts.Length));
            }

            begin += split.Columns;
            local += split.ColumnsOf(shard, parts.Length);
        }

        throw new InvalidOperationException($"Columns {firstColumn} to {firstColumn + columns} are not what shards share.");
    }
}

/// <summary>A base weight of which each shard has its part.</summary>
internal sealed class ShardedMatrix(int outputs, int inputs, DeviceMatrix[] parts) : DeviceMatrix(outputs, inputs)
{
    /// <summary>What each shard has.</summary>
    public DeviceMatrix[] Parts => parts;
}

/// <summary>An embedding table of which each shard has some entries.</summary>
internal sealed class ShardedTable(int entries, int width, DeviceTable[] parts) : DeviceTable(entries, width)
{
    /// <summary>What each shard has.</summary>
    public DeviceTable[] Parts => parts;
}

/// <summary>A vector of which each shard has its part, or all.</summary>
internal sealed class ShardedVector(int length, DeviceVector[] parts) : DeviceVector(length)
{
    /// <summary>What each shard has.</summary>
    public DeviceVector[] Parts => parts;
}

/// <summary>The experts of a layer, of which each shard has some, whole, or all.</summary>
internal sealed class ShardedExperts(ExpertSources sources, int[] first, DeviceExperts[] parts)
    : DeviceExperts(sources.Experts, sources.Outputs, sources.Inputs)
{
    /// <summary>The first expert of each shard.</summary>
    public int[] First => first;

    /// <summary>What each shard has.</summary>
    public DeviceExperts[] Parts => parts;
}

/// <summary>What rows choose, as each shard sees it.</summary>
internal sealed class ShardedRoutes(int experts, int chosen, DeviceRoutes[] parts) : DeviceRoutes(experts, chosen)
{
    /// <summary>What each shard sees.</summary>
    public DeviceRoutes[] Parts => parts;
}

/// <summary>A rotary embedding, on every shard.</summary>
internal sealed class ShardedRope(DeviceRope[] parts) : DeviceRope
{
    /// <summary>What each shard has.</summary>
    public DeviceRope[] Parts => parts;
}
