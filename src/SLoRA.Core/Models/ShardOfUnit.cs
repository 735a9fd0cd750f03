using SLoRA.Step;

namespace SLoRA.Models;

/// <summary>Says which shard has a module that is not cut: the one with its unit, such as an expert.</summary>
/// <param name="Split">How the units are shared.</param>
/// <param name="Unit">The module's.</param>
internal readonly record struct ShardOfUnit(Split Split, int Unit)
{
    /// <summary>Whether it is a shard.</summary>
    public bool IsOn(int shard, int shards)
    {
        (int first, int end) = Split.UnitsOf(shard, shards);
        return Unit >= first && Unit < end;
    }
}
