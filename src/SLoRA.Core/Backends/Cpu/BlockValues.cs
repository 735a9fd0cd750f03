namespace SLoRA.Backends.Cpu;

/// <summary>
/// The weighted values of a block in the scratch memory, added to the sums of the queries that see them: by ascending position, and none
/// that a query does not see, as it may be anything.
/// </summary>
internal static unsafe class BlockValues
{
    private const int Block = AttentionScratch.Block;

    // Queries that the product takes at once. Those of a block's border share what all of them see.
    private const int Together = 4;

    /// <summary>Adds them for all rows.</summary>
    /// <param name="seen">Which positions rows see.</param>
    /// <param name="group">Queries of a row.</param>
    /// <param name="scratch">Weights, values and sums.</param>
    /// <param name="columns">Columns of the sums, a multiple of 16.</param>
    public static void Add(in BlockSight seen, int group, AttentionScratch scratch, int columns)
    {
        int end = seen.EndRow * group;
        int together = seen.IsAlike ? end : Together;
        for (int query = seen.FirstRow * group; query < end; query += together)
        {
            int count = Math.Min(together, end - query);
            int all = seen.Of((query + count - 1) / group).From;
            int allEnd = Math.Max(all, seen.Of(query / group).To);
            if (!seen.IsAlike)
            {
                for (int q = query; q < query + count; q++)
                {
                    (int from, int to) = seen.Of(q / group);
                    Add(q, 1, from, Math.Min(to, all), scratch, columns);
                }
            }

            Add(query, count, all, allEnd, scratch, columns);
            if (!seen.IsAlike)
            {
                for (int q = query; q < query + count; q++)
                {
                    (int from, int to) = seen.Of(q / group);
                    Add(q, 1, Math.Max(from, allEnd), to, scratch, columns);
                }
            }
        }
    }

    private static void Add(int query, int queries, int from, int to, AttentionScratch scratch, int columns)
    {
        if (from < to)
        {
            TileProduct.Add<F32Elements>(
                scratch.Scores + (query * Block) + from,
                Block,
                (byte*)(scratch.Values + (from * scratch.PaddedDim)),
                scratch.PaddedDim * sizeof(float),
                scratch.Sums + (query * scratch.PaddedDim),
                scratch.PaddedDim,
                queries,
                columns,
                to - from);
        }
    }
}
