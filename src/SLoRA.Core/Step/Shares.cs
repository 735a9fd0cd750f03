namespace SLoRA.Step;

/// <summary>How shards share what the base does not cut: as evenly as it goes, and some of it may be nothing.</summary>
internal static class Shares
{
    private const int Lanes = 16;

    /// <summary>Rank rows [first, end) of a shard.</summary>
    public static (int First, int End) OfRanks(int rank, int shard, int shards) =>
        ((int)((long)rank * shard / shards), (int)((long)rank * (shard + 1) / shards));

    /// <summary>Columns [first, end) of a shard: at multiples of 16 where there are enough of them.</summary>
    public static (int First, int End) OfColumns(int columns, int shard, int shards)
    {
        int unit = UnitOf(columns, shards);
        (int first, int end) = OfRanks(columns / unit, shard, shards);
        return (first * unit, end * unit);
    }

    /// <summary>Columns that shares do not cut.</summary>
    public static int UnitOf(int columns, int shards) => columns % Lanes == 0 && columns / Lanes >= shards ? Lanes : 1;
}
