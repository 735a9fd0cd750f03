using System.Collections.Immutable;
using SLoRA.Step;

namespace SLoRA.Adapters.Packing;

/// <summary>
/// Makes one directory of those of all shards: rows, columns and offsets counted over the whole matrix and the whole page, of which each
/// shard has one slice after the other. What copies pages needs to know no more.
/// </summary>
internal static class ShardedTiles
{
    /// <summary>Joins them.</summary>
    /// <param name="shards">The directories of the shards, all with the same modules.</param>
    /// <param name="sliceBytes">Bytes of a shard's slice of a page.</param>
    public static TileDirectory Join(ImmutableArray<TileDirectory> shards, int sliceBytes)
    {
        var modules = new ModuleTiles?[shards[0].Modules.Length];
        for (int i = 0; i < modules.Length; i++)
        {
            if (shards[0].Modules[i] is { } module)
            {
                modules[i] = new ModuleTiles
                {
                    Rank = module.Rank,
                    Scale = module.Scale,
                    A = Join([.. shards.Select(shard => shard.Modules[i]!.A)], sliceBytes),
                    B = Join([.. shards.Select(shard => shard.Modules[i]!.B)], sliceBytes),
                };
            }
        }

        return new TileDirectory([.. modules], shards.Max(shard => shard.PageCount))
        {
            Shards = shards,
            InvocationTokens = shards[0].InvocationTokens,
            Mixing = shards[0].Mixing,
        };
    }

    private static MatrixTiles Join(ImmutableArray<MatrixTiles> shards, int sliceBytes) => new()
    {
        Type = shards[0].Type,
        Rows = shards.Max(shard => shard.FirstRow + shard.Rows),
        Columns = shards.Max(shard => shard.FirstColumn + shard.Columns),
        Tiles =
        [
            .. shards.SelectMany((shard, index) => shard.Tiles.Select(tile => tile with
            {
                Offset = (index * sliceBytes) + tile.Offset,
                FirstRow = shard.FirstRow + tile.FirstRow,
                FirstColumn = shard.FirstColumn + tile.FirstColumn,
            })),
        ],
    };
}
