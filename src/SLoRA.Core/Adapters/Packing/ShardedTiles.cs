using System.Collections.Immutable;
using SLoRA.Adapters.Intake;
using SLoRA.Step;

namespace SLoRA.Adapters.Packing;

/// <summary>
/// Makes one directory of those of all shards: rows, columns and offsets counted over the whole matrix and the whole page, of which each
/// shard has one slice after the other. What copies pages needs to know no more.
/// </summary>
internal static class ShardedTiles
{
    /// <summary>Joins them.</summary>
    /// <param name="parts">What the adapter does.</param>
    /// <param name="shards">The directories of the shards.</param>
    /// <param name="sliceBytes">Bytes of a shard's slice of a page.</param>
    public static TileDirectory Join(AdapterParts parts, ImmutableArray<TileDirectory> shards, int sliceBytes)
    {
        var modules = new ModuleTiles?[shards[0].Modules.Length];
        foreach (int target in parts.Modules.Select(module => module.Target.Index))
        {
            ImmutableArray<ModuleTiles?> tiles = [.. shards.Select(shard => shard.Modules[target])];
            ModuleTiles any = tiles.First(one => one is not null)!;
            modules[target] = new ModuleTiles
            {
                Rank = any.Rank,
                Scale = any.Scale,
                A = Join([.. tiles.Select(one => one?.A)], sliceBytes)!,
                B = Join([.. tiles.Select(one => one?.B)], sliceBytes)!,
            };
        }

        return new TileDirectory([.. modules], shards.Max(shard => shard.PageCount))
        {
            Shards = shards,
            Changes = Changes(parts, shards, sliceBytes),
            InvocationTokens = shards[0].InvocationTokens,
            Mixing = shards[0].Mixing,
        };
    }

    private static ImmutableArray<ModuleChange?> Changes(AdapterParts parts, ImmutableArray<TileDirectory> shards, int sliceBytes)
    {
        if (parts.Changes.IsEmpty)
        {
            return [];
        }

        var changes = new ModuleChange?[shards[0].Changes.Length];
        foreach (AdapterChange change in parts.Changes)
        {
            int target = change.Target.Index;
            changes[target] = new ModuleChange
            {
                Rows = Join([.. shards.Select(shard => shard.Changes[target]!.Rows)], sliceBytes),
                Ids = change.RowIds,
                Factor = Join([.. shards.Select(shard => shard.Changes[target]!.Factor)], sliceBytes),
                Offset = Join([.. shards.Select(shard => shard.Changes[target]!.Offset)], sliceBytes),
            };
        }

        return [.. changes];
    }

    /// <summary>What the shards that have some of a matrix have together; null if none has.</summary>
    private static MatrixTiles? Join(ImmutableArray<MatrixTiles?> shards, int sliceBytes)
    {
        if (shards.FirstOrDefault(shard => shard is not null) is not { } any)
        {
            return null;
        }

        ImmutableArray<Tile> tiles =
        [
            .. shards.SelectMany((shard, index) => (shard?.Tiles ?? []).Select(tile => tile with
            {
                Offset = (index * sliceBytes) + tile.Offset,
                FirstRow = shard!.WholeRows.Whole(tile.FirstRow),
                FirstColumn = shard.WholeColumns.Whole(tile.FirstColumn),
            })),
        ];
        return new MatrixTiles
        {
            Type = any.Type,
            Rows = tiles.Max(tile => tile.FirstRow + tile.Rows),
            Columns = tiles.Max(tile => tile.FirstColumn + tile.Columns),
            Tiles = tiles,
        };
    }
}
