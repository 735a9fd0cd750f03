using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>The tiles of a matrix that hold the same rank rows: consecutive, by ascending column.</summary>
/// <param name="FirstTile">First tile.</param>
/// <param name="EndTile">End of the tiles.</param>
/// <param name="EndRow">End of the rank rows.</param>
internal readonly record struct TileBand(int FirstTile, int EndTile, int EndRow)
{
    /// <summary>The band that holds a rank row.</summary>
    public static TileBand Containing(ReadOnlySpan<Tile> tiles, int row)
    {
        // Adapters have a few tiles, weights that were trained whole have thousands: the first that ends behind the row.
        int first = 0;
        for (int last = tiles.Length - 1; first < last && row >= tiles[first].FirstRow + tiles[first].Rows;)
        {
            int middle = first + ((last - first) / 2);
            (first, last) = row >= tiles[middle].FirstRow + tiles[middle].Rows ? (middle + 1, last) : (first + 1, middle);
        }

        int end = first + 1;
        while (end < tiles.Length && tiles[end].FirstRow == tiles[first].FirstRow)
        {
            end++;
        }

        return new TileBand(first, end, tiles[first].FirstRow + tiles[first].Rows);
    }
}
