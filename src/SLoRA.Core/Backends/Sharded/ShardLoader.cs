using System.Runtime.InteropServices;
using SLoRA.Step;

namespace SLoRA.Backends.Sharded;

/// <summary>Cuts base weights as their partitions say, and counts what each shard has been given.</summary>
/// <param name="option">The option that says how many shards there are, for messages.</param>
/// <param name="shards">The shards.</param>
internal sealed unsafe class ShardLoader(string option, IBackend[] shards)
{
    private readonly long[] _bytes = new long[shards.Length];

    /// <summary>Bytes of the weights of each shard, as stored.</summary>
    public ReadOnlySpan<long> Bytes => _bytes;

    /// <summary>Gives every shard its part of a matrix.</summary>
    public ShardedMatrix Matrix(WeightSource source)
    {
        var parts = new DeviceMatrix[shards.Length];
        Cut(source, Required(source), (shard, part) => parts[shard] = shards[shard].LoadMatrix(part));
        return new ShardedMatrix(source.Rows, source.Columns, parts);
    }

    /// <summary>Gives every shard its entries of a table.</summary>
    public ShardedTable Table(WeightSource source)
    {
        var parts = new DeviceTable[shards.Length];
        Cut(source, Required(source), (shard, part) => parts[shard] = shards[shard].LoadTable(part));
        return new ShardedTable(source.Rows, source.Columns, parts);
    }

    /// <summary>Gives every shard its part of a vector, or all of it.</summary>
    public ShardedVector Vector(WeightSource source)
    {
        var parts = new DeviceVector[shards.Length];
        if (source.Partition is { } partition)
        {
            Cut(source, partition, (shard, part) => parts[shard] = shards[shard].LoadVector(part));
        }
        else
        {
            for (int shard = 0; shard < shards.Length; shard++)
            {
                parts[shard] = shards[shard].LoadVector(source);
                _bytes[shard] += source.Bytes;
            }
        }

        return new ShardedVector(source.Columns, parts);
    }

    /// <summary>Checks that so many shards can share a split.</summary>
    /// <exception cref="InvalidOptionException">They cannot.</exception>
    public void Check(string name, Split split)
    {
        if (!split.Serves(shards.Length))
        {
            throw new InvalidOptionException(
                option,
                $"{option} is {shards.Length}, which does not divide the {split.Leaves} parts of {name} "
                    + $"({split.Units} × {split.UnitColumns}).");
        }
    }

    /// <summary>The error for what shards cannot share.</summary>
    public InvalidOptionException CannotShare(string name) =>
        new(option, $"{option} is {shards.Length}; {name} can be served by one shard only.");

    private Partition Required(WeightSource source) => source.Partition ?? throw CannotShare(source.Name);

    private void Cut(WeightSource source, Partition partition, Action<int, WeightSource> load)
    {
        Check(source.Name, partition.Split);
        for (int shard = 0; shard < shards.Length; shard++)
        {
            (int first, int end) = partition.Split.Of(shard, shards.Length);
            if (partition.Axis == PartitionAxis.Rows)
            {
                Load(shard, source with { Data = source.Data + (nint)(first * source.RowBytes), Rows = end - first }, load);
            }
            else
            {
                CutColumns(shard, source, first, end - first, load);
            }
        }
    }

    /// <summary>Columns of many rows do not lie in one piece: they are copied together.</summary>
    private void CutColumns(int shard, WeightSource source, int first, int columns, Action<int, WeightSource> load)
    {
        int block = source.Format.BlockElements;
        if (first % block != 0 || (columns % block != 0 && first + columns != source.Columns))
        {
            throw new InvalidOptionException(
                option,
                $"{option} is {shards.Length}: a shard would begin at column {first} or end at {first + columns} of {source.Name}, "
                    + $"whose {source.Format.Name} blocks have {block} columns.");
        }

        long from = source.Format.BytesOf(first);
        long bytes = source.Format.BytesOf(columns);
        void* copy = NativeMemory.Alloc((nuint)(source.Rows * bytes));
        try
        {
            for (int row = 0; row < source.Rows; row++)
            {
                source.Row(row).Slice((int)from, (int)bytes).CopyTo(new Span<byte>((byte*)copy + (row * bytes), (int)bytes));
            }

            Load(shard, source with { Data = (nint)copy, Columns = columns, Stays = false }, load);
        }
        finally
        {
            NativeMemory.Free(copy);
        }
    }

    private void Load(int shard, WeightSource part, Action<int, WeightSource> load)
    {
        load(shard, part);
        _bytes[shard] += part.Bytes;
    }
}
