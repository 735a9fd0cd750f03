namespace SLoRA.Step;

/// <summary>Which dimension of a weight <c>[Rows, Columns]</c> is cut over shards.</summary>
internal enum PartitionAxis
{
    /// <summary>Outputs of a product, or entries of a table: every shard computes some of the outputs, from all inputs.</summary>
    Rows,

    /// <summary>Inputs of a product: every shard has some of the inputs, and its results are parts of a sum.</summary>
    Columns,
}

/// <summary>How a weight is cut over shards. A module declares it; one that declares none can be served by one shard only.</summary>
/// <param name="Axis">Which dimension is cut.</param>
/// <param name="Split">Where it is cut.</param>
internal readonly record struct Partition(PartitionAxis Axis, Split Split)
{
    /// <summary>Cut along the outputs.</summary>
    public static Partition Outputs(Split split) => new(PartitionAxis.Rows, split);

    /// <summary>Cut along the inputs.</summary>
    public static Partition Inputs(Split split) => new(PartitionAxis.Columns, split);
}
