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

    /// <summary>Whether it is there for adapters alone.</summary>
    public bool IsLora { get; init; }

    /// <summary>Whether the columns are the ranks of an adapter, which are shared otherwise than columns of the base.</summary>
    public bool IsOfRanks { get; init; }

    /// <summary>The heads whose columns they are, which a shard has as it has the heads; null for none.</summary>
    public Split? Heads { get; init; }

    /// <summary>The shard that has a row, by row; null where every shard has columns of every row.</summary>
    public int* Owners { get; init; }

    /// <summary>The columns [first, end) of a shard. Of a head that several have, they are the first one's.</summary>
    public (int First, int End) ColumnsOf(int shard, int shards)
    {
        if (Heads is not { } heads)
        {
            return IsOfRanks ? Shares.OfRanks(Columns, shard, shards) : Shares.OfColumns(Columns, shard, shards);
        }

        (int first, int end) = heads.Of(shard, shards);
        return (shard == 0 ? first : Math.Min(end, Math.Max(first, heads.Of(shard - 1, shards).End)), end);
    }
}
