using System.Collections.Immutable;

namespace SLoRA.Step;

/// <summary>Which dimension of a weight <c>[Rows, Columns]</c> is cut over shards.</summary>
internal enum PartitionAxis
{
    /// <summary>Outputs of a product, or entries of a table: every shard computes some of the outputs, from all inputs.</summary>
    Rows,

    /// <summary>Inputs of a product: every shard has some of the inputs, and its results are parts of a sum.</summary>
    Columns,
}

/// <summary>
/// How a weight is cut over shards. A module declares it; of one that declares none every shard has all, and computes all of it.
/// </summary>
/// <param name="Axis">Which dimension is cut.</param>
/// <param name="Splits">Where it is cut: of what lies side by side in it, as q, k and v in one weight, each shard has its part.</param>
internal readonly record struct Partition(PartitionAxis Axis, ImmutableArray<Split> Splits)
{
    /// <summary>The one split of a dimension in which nothing lies side by side.</summary>
    public Split Split => Splits.Single();

    /// <summary>Cut along the outputs.</summary>
    public static Partition Outputs(params ImmutableArray<Split> splits) => new(PartitionAxis.Rows, splits);

    /// <summary>Cut along the inputs.</summary>
    public static Partition Inputs(params ImmutableArray<Split> splits) => new(PartitionAxis.Columns, splits);

    /// <summary>What a shard has of the dimension.</summary>
    public Runs Of(int shard, int shards)
    {
        var runs = ImmutableArray.CreateBuilder<Run>(Splits.Length);
        int begin = 0;
        foreach (Split split in Splits)
        {
            (int first, int end) = split.Of(shard, shards);
            runs.Add(new Run(begin + first, end - first));
            begin += split.Columns;
        }

        return new Runs(runs.MoveToImmutable());
    }

    /// <summary>Equal if axis and splits are.</summary>
    public bool Equals(Partition other) => Axis == other.Axis && Splits.AsSpan().SequenceEqual(other.Splits.AsSpan());

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Axis, Splits.Length, Splits[0]);
}
