using System.Runtime.InteropServices;
using SLoRA.Step;

namespace SLoRA.Backends.Sharded;

/// <summary>
/// Cuts base weights as their partitions say, gives those that have none to every shard, and counts what each has been given.
/// </summary>
/// <param name="option">The option that says how many shards there are, for messages.</param>
/// <param name="shards">The shards.</param>
internal sealed unsafe class ShardLoader(string option, IBackend[] shards)
{
    private readonly long[] _bytes = new long[shards.Length];

    /// <summary>Bytes of the weights of each shard, as stored.</summary>
    public ReadOnlySpan<long> Bytes => _bytes;

    /// <summary>Gives every shard its part of a matrix, or all of it.</summary>
    public ShardedMatrix Matrix(WeightSource source)
    {
        var parts = new DeviceMatrix[shards.Length];
        Share(source, (shard, part) => parts[shard] = shards[shard].LoadMatrix(part));
        return new ShardedMatrix(source.Rows, source.Columns, parts);
    }

    /// <summary>Gives every shard its entries of a table.</summary>
    public ShardedTable Table(WeightSource source)
    {
        var parts = new DeviceTable[shards.Length];
        Share(source, (shard, part) => parts[shard] = shards[shard].LoadTable(part));
        return new ShardedTable(source.Rows, source.Columns, parts);
    }

    /// <summary>Gives every shard its part of a vector, or all of it.</summary>
    public ShardedVector Vector(WeightSource source)
    {
        var parts = new DeviceVector[shards.Length];
        Share(source, (shard, part) => parts[shard] = shards[shard].LoadVector(part));
        return new ShardedVector(source.Columns, parts);
    }

    /// <summary>Gives every shard its experts. Shards are asked one after the other, so that experts are read in their order.</summary>
    public ShardedExperts Experts(ExpertSources sources)
    {
        Split owners = sources.Owners ?? throw new InvalidOperationException("It is not said how shards share the experts.");
        Check("the experts of a layer", owners);
        var parts = new DeviceExperts[shards.Length];
        var firsts = new int[shards.Length];
        for (int shard = 0; shard < shards.Length; shard++)
        {
            (int first, int end) = owners.UnitsOf(shard, shards.Length);
            int own = shard;
            firsts[shard] = first;
            parts[shard] = shards[shard].LoadExperts(sources with
            {
                Experts = end - first,
                Owners = null,
                Source = (expert, part) =>
                {
                    WeightSource source = sources.Source(first + expert, part);
                    _bytes[own] += source.Bytes;
                    return source;
                },
            });
        }

        return new ShardedExperts(sources, firsts, parts);
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

    private void Share(WeightSource source, Action<int, WeightSource> load)
    {
        foreach (Split split in source.Partition?.Splits ?? [])
        {
            Check(source.Name, split);
        }

        for (int shard = 0; shard < shards.Length; shard++)
        {
            if (source.Partition is not { } partition)
            {
                Load(shard, source, load);
                continue;
            }

            Runs runs = partition.Of(shard, shards.Length);
            if (partition.Axis == PartitionAxis.Columns)
            {
                CutColumns(shard, source, runs, load);
            }
            else if (runs.All is [Run run])
            {
                Load(shard, source.Slice(source.Name, run.First, run.Count), load);
            }
            else
            {
                CutRows(shard, source, runs, load);
            }
        }
    }

    /// <summary>Rows of what lies side by side in a weight do not lie in one piece: they are copied together.</summary>
    private void CutRows(int shard, WeightSource source, Runs runs, Action<int, WeightSource> load)
    {
        LoadCopy(shard, source, runs.Count, source.Columns, load, to =>
        {
            foreach (Run run in runs.All)
            {
                long bytes = run.Count * source.RowBytes;
                Buffer.MemoryCopy((byte*)source.Data + (run.First * source.RowBytes), (void*)to, bytes, bytes);
                to += (nint)bytes;
            }
        });
    }

    /// <summary>Columns of many rows do not lie in one piece: they are copied together.</summary>
    private void CutColumns(int shard, WeightSource source, Runs runs, Action<int, WeightSource> load)
    {
        foreach (Run run in runs.All)
        {
            CheckBlocks(source, run);
        }

        LoadCopy(shard, source, source.Rows, runs.Count, load, to =>
        {
            for (int row = 0; row < source.Rows; row++)
            {
                ReadOnlySpan<byte> blocks = source.Row(row);
                foreach (Run run in runs.All)
                {
                    int bytes = (int)source.Format.BytesOf(run.Count);
                    blocks.Slice((int)source.Format.BytesOf(run.First), bytes).CopyTo(new Span<byte>((void*)to, bytes));
                    to += bytes;
                }
            }
        });
    }

    /// <summary>Gives a shard a part that is copied together if it looks at it.</summary>
    private void LoadCopy(int shard, WeightSource source, int rows, int columns, Action<int, WeightSource> load, Action<nint> fill)
    {
        void* copy = null;
        try
        {
            Load(shard, source.Made(rows, columns, Copied), load);
        }
        finally
        {
            NativeMemory.Free(copy);
        }

        nint Copied()
        {
            copy = NativeMemory.Alloc((nuint)(rows * source.Format.BytesOf(columns)));
            fill((nint)copy);
            return (nint)copy;
        }
    }

    private void CheckBlocks(WeightSource source, Run run)
    {
        int block = source.Format.BlockElements;
        int end = run.First + run.Count;
        if (run.First % block != 0 || (end % block != 0 && end != source.Columns))
        {
            throw new InvalidOptionException(
                option,
                $"{option} is {shards.Length}: a shard would begin at column {run.First} or end at {end} of {source.Name}, "
                    + $"whose {source.Format.Name} blocks have {block} columns.");
        }
    }

    private void Load(int shard, WeightSource part, Action<int, WeightSource> load)
    {
        load(shard, part);
        _bytes[shard] += part.Bytes;
    }
}
