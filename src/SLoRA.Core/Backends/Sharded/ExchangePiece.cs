using SLoRA.Step;

namespace SLoRA.Backends.Sharded;

/// <summary>Rows <c>[Rows, Columns]</c> of which each shard has, or is to have, a part.</summary>
internal readonly unsafe struct ExchangePiece
{
    /// <summary>The first row, in this shard's memory.</summary>
    public required float* Data { get; init; }

    /// <summary>Elements from one row to the next.</summary>
    public required nint Stride { get; init; }

    /// <summary>Rows; the same on every shard, as <see cref="Columns"/> are.</summary>
    public required int Rows { get; init; }

    /// <summary>Columns of all shards together.</summary>
    public required int Columns { get; init; }

    /// <summary>Where gathered rows go; where they are if it is the same.</summary>
    public required float* To { get; init; }

    /// <summary>Elements from one gathered row to the next.</summary>
    public required nint ToStride { get; init; }

    /// <summary>Whether the columns are the ranks of an adapter.</summary>
    public bool IsLora { get; init; }

    /// <summary>The shard that has a row, by row; null where every shard has columns of every row.</summary>
    public int* Owners { get; init; }

    /// <summary>The columns [first, end) of a shard.</summary>
    public (int First, int End) ColumnsOf(int shard, int shards) =>
        IsLora ? Shares.OfRanks(Columns, shard, shards) : Shares.OfColumns(Columns, shard, shards);
}
