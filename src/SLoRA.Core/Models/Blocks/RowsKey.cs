using System.Collections.Immutable;
using SLoRA.Step;

namespace SLoRA.Models.Blocks;

/// <summary>What rows that blocks compute in have in common: their width and how shards share it.</summary>
/// <param name="Width">Columns.</param>
/// <param name="Splits">What lies side by side in them, each shared by the shards; empty if every shard has all columns.</param>
internal readonly record struct RowsKey(int Width, ImmutableArray<Split> Splits)
{
    /// <summary>Equal if width and splits are.</summary>
    public bool Equals(RowsKey other) => Width == other.Width && Splits.AsSpan().SequenceEqual(other.Splits.AsSpan());

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Width, Splits.Length);
}
