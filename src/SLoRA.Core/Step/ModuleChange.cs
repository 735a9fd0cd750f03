using System.Collections.Immutable;

namespace SLoRA.Step;

/// <summary>
/// What a generation does to a module besides adding B A: <c>y = f ∘ (W' x + scale · B A x) + weight · o</c>. W' x is what the base
/// computes, its bias included, with <see cref="Rows"/> of the weight in the place of its own; what those rows give has no bias of the
/// base. f and o are 1 and 0 where they are missing. DoRA, trained biases, modules that were trained whole and trained tokens are all this.
/// </summary>
internal sealed class ModuleChange
{
    /// <summary>
    /// Rows of the module's weight, which is <c>[out, in]</c>, for an embedding <c>[tokens, width]</c>, for a norm <c>[1, width]</c>; null
    /// where the base's stay.
    /// </summary>
    public MatrixTiles? Rows { get; init; }

    /// <summary>
    /// Which rows of the weight they are, ascending, as the device that has them counts its outputs or entries; empty for all of them.
    /// </summary>
    public ImmutableArray<int> Ids { get; init; } = [];

    /// <summary>f, <c>[1, out]</c>; null for 1.</summary>
    public MatrixTiles? Factor { get; init; }

    /// <summary>o, <c>[1, out]</c>; null for 0. It is added to what a norm gives too, whose bias is the base's.</summary>
    public MatrixTiles? Offset { get; init; }

    /// <summary>The rows as what shrinks an input, <c>v = x W'ᵀ</c>: A of as many ranks; null where there are none.</summary>
    public ModuleTiles? Product => field ??= Rows is null ? null : AllRanks(Rows);

    /// <summary>One more than the largest number of its rows; 0 for none. Added tokens are rows that the weight does not have.</summary>
    public int End => Rows is null ? 0 : Ids.IsEmpty ? Rows.Rows : Ids[^1] + 1;

    /// <summary>Its matrices, in the order in which they lie in the pages.</summary>
    public IEnumerable<MatrixTiles> Matrices => new[] { Rows, Factor, Offset }.OfType<MatrixTiles>();

    /// <summary>Which of its rows stands for a row of the weight; negative if the base's stays.</summary>
    public int RowOf(int id) =>
        Rows is null ? -1 : Ids.IsEmpty ? (id < Rows.Rows ? id : -1) : Ids.AsSpan().BinarySearch(id);

    /// <summary>Rows that a shard has of a weight are all ranks of its own product.</summary>
    private static ModuleTiles AllRanks(MatrixTiles rows)
    {
        var ranks = new MatrixTiles { Type = rows.Type, Rows = rows.Rows, Columns = rows.Columns, Tiles = rows.Tiles };
        return new ModuleTiles { Rank = rows.Rows, Scale = 1, A = ranks, B = ranks };
    }
}
