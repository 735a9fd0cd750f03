using SLoRA.Step;

namespace SLoRA.Models.Blocks;

/// <summary>Norms of queries and keys, before or behind their rotation.</summary>
/// <param name="Epsilon">What they add to the mean square.</param>
internal sealed record QueryKeyNorm(float Epsilon)
{
    /// <summary>What is added to the stored weights.</summary>
    public float WeightOffset { get; init; }

    /// <summary>
    /// Whether all heads of a row are normed together, with a weight for every column, instead of each head by itself with weights that the
    /// heads share.
    /// </summary>
    public bool WholeWidth { get; init; }

    /// <summary>Whether they come behind the rotation.</summary>
    public bool AfterRotation { get; init; }

    /// <summary>Whether there are weights; without them heads are divided by the root of their mean square and nothing else.</summary>
    public bool HasWeights { get; init; } = true;

    /// <summary>What the checkpoint calls the norm of queries.</summary>
    public string QueryName { get; init; } = "self_attn.q_norm";

    /// <summary>What the checkpoint calls the norm of keys.</summary>
    public string KeyName { get; init; } = "self_attn.k_norm";

    /// <summary>The norm of queries.</summary>
    public NormModule Query(GroupedAttention shape) => Module(QueryName, Split.OfHeads(shape.Heads, shape.HeadDim));

    /// <summary>The norm of keys.</summary>
    public NormModule Key(GroupedAttention shape) => Module(KeyName, Split.OfKeys(shape));

    private NormModule Module(string name, Split heads) => new(name, WholeWidth ? heads.Columns : heads.UnitColumns, Epsilon)
    {
        WeightOffset = WeightOffset,
        Partition = WholeWidth ? Partition.Inputs(heads) : null,
    };
}
