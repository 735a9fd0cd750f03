using System.Collections.Immutable;
using SLoRA.Adapters.Intake;
using SLoRA.Formats;
using SLoRA.Models;
using SLoRA.Step;

namespace SLoRA.Adapters.Packing;

/// <summary>
/// Lays the matrices of an adapter out in pages: A, and B transposed, one after another, each as groups of rank rows cut into spans of
/// columns. Needs shapes and types only, so that the pages of an adapter are known before its content is read. The same input gives the
/// same layout.
/// </summary>
internal static class TilePlanner
{
    /// <summary>The most rank rows of a tile.</summary>
    public const int GroupRows = 16;

    /// <summary>Every span of columns ends a multiple of this behind the start of a leaf (<see cref="Split"/>), or with its rows.</summary>
    public const int SpanColumns = 32;

    /// <summary>What the offsets of tiles are multiples of, in bytes.</summary>
    public const int Alignment = 64;

    /// <summary>The smallest page.</summary>
    public const long SmallestPage = KvLayout.SmallestPage;

    /// <summary>Plans the pages of an adapter.</summary>
    /// <param name="parts">What it does.</param>
    /// <param name="modelModules">How many modules the model has: their indices are below this.</param>
    /// <param name="pageBytes">Bytes of a page, of every shard's slice at least <see cref="SmallestPage"/>, a multiple of
    /// <see cref="Alignment"/>.</param>
    /// <param name="policy">In which type the weights are to lie in the pages.</param>
    /// <param name="baseType">The type of the base model's weights.</param>
    /// <param name="shards">Shards that have an equal slice of every page and share the modules as their partitions say.</param>
    public static TileDirectory Plan(
        AdapterParts parts, int modelModules, long pageBytes, AdapterWeightType policy, TensorType baseType, int shards = 1)
    {
        long sliceBytes = pageBytes / shards;
        ArgumentOutOfRangeException.ThrowIfLessThan(sliceBytes, SmallestPage, nameof(pageBytes));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(pageBytes, int.MaxValue);
        ArgumentOutOfRangeException.ThrowIfNotEqual(sliceBytes % Alignment, 0, nameof(pageBytes));
        if (shards > 1)
        {
            return ShardedTiles.Join(
                parts,
                [.. Enumerable.Range(0, shards).Select(shard => Plan(
                    parts, modelModules, (int)sliceBytes, policy, baseType, module => AdapterSlice.Of(module, shard, shards),
                    change => ChangeSlice.Of(change, shard, shards), views => views.Of(shard, shards)))],
                (int)sliceBytes);
        }

        return Plan(
            parts, modelModules, (int)pageBytes, policy, baseType, AdapterSlice.Whole, ChangeSlice.Whole, views => new(0, views.Heads));
    }

    /// <summary>The type in which a matrix lies in the pages.</summary>
    public static TensorType PagedType(TensorType stored, AdapterWeightType policy, TensorType baseType) =>
        policy == AdapterWeightType.BaseType && stored == TensorType.F32 && baseType is TensorType.F16 or TensorType.BF16
            ? baseType
            : stored;

    /// <summary>What the module is for each of its heads: keys go through it backwards, from B's columns of the head to A's.</summary>
    /// <param name="views">The heads.</param>
    /// <param name="heads">Which of them the module's tiles are of.</param>
    /// <param name="whole">The module.</param>
    /// <param name="tiles">Where they go.</param>
    private static void AddViews(HeadViews views, Run heads, ModuleTiles whole, ModuleTiles?[] tiles)
    {
        for (int own = 0; own < heads.Count; own++)
        {
            int first = own * (views.KeyColumns + views.ValueColumns);
            int head = heads.First + own;
            tiles[views.FirstKey + head] =
                new ModuleTiles { Rank = whole.Rank, Scale = whole.Scale, A = Part(whole.B, first, views.KeyColumns), B = whole.A };
            tiles[views.FirstValue + head] = new ModuleTiles
            {
                Rank = whole.Rank,
                Scale = whole.Scale,
                A = whole.A,
                B = Part(whole.B, first + views.KeyColumns, views.ValueColumns),
            };
        }
    }

    private static MatrixTiles Part(MatrixTiles whole, int firstColumn, int columns) => new()
    {
        Type = whole.Type,
        Rows = whole.Rows,
        Columns = columns,
        Tiles =
        [
            .. whole.Tiles.Where(tile => tile.FirstColumn >= firstColumn && tile.FirstColumn < firstColumn + columns)
                .Select(tile => tile with { FirstColumn = tile.FirstColumn - firstColumn }),
        ],
    };

    private static TileDirectory Plan(
        AdapterParts parts, int modelModules, int pageBytes, AdapterWeightType policy, TensorType baseType,
        Func<AdapterModule, AdapterSlice?> sliceOf, Func<AdapterChange, ChangeSlice> changeOf, Func<HeadViews, Run> headsOf)
    {
        var cursor = new Cursor(pageBytes);
        var tiles = new ModuleTiles?[modelModules];
        foreach (AdapterModule module in parts.Modules)
        {
            if (sliceOf(module) is not { } slice)
            {
                continue;
            }

            var planned = new ModuleTiles
            {
                Rank = module.Rank,
                Scale = module.Scale,
                A = Matrix(PagedType(module.A.Type, policy, baseType), slice.A, ref cursor),
                B = Matrix(PagedType(module.B.Type, policy, baseType), slice.B, ref cursor),
            };
            tiles[module.Target.Index] = planned;
            if (module.Target.Views is { } views)
            {
                AddViews(views, headsOf(views), planned, tiles);
            }
        }

        ImmutableArray<ModuleChange?> changes = Changes(parts, modelModules, policy, baseType, changeOf, ref cursor);
        return new TileDirectory([.. tiles], cursor.Pages)
        {
            Changes = changes,
            InvocationTokens = parts.InvocationTokens,
            Mixing = AdapterKinds.MixingOf(parts),
        };
    }

    private static ImmutableArray<ModuleChange?> Changes(
        AdapterParts parts, int modelModules, AdapterWeightType policy, TensorType baseType, Func<AdapterChange, ChangeSlice> changeOf,
        ref Cursor cursor)
    {
        if (parts.Changes.IsEmpty)
        {
            return [];
        }

        var changes = new ModuleChange?[modelModules];
        foreach (AdapterChange change in parts.Changes)
        {
            ChangeSlice slice = changeOf(change);
            changes[change.Target.Index] = new ModuleChange
            {
                // Norms are fp32 in the base too.
                Rows = slice.Rows is null ? null : Matrix(
                    change.Target.Kind == TargetKind.Norm ? TensorType.F32 : PagedType(change.AllRows!.Type, policy, baseType), slice.Rows,
                    ref cursor),
                Ids = slice.Ids,
                Factor = change.HasFactor ? Matrix(TensorType.F32, slice.Outputs, ref cursor) : null,
                Offset = change.HasOffset ? Matrix(TensorType.F32, slice.Outputs, ref cursor) : null,
            };
        }

        return [.. changes];
    }

    /// <param name="type">The type of the elements.</param>
    /// <param name="slice">What of the matrix.</param>
    /// <param name="cursor">Where the next tile goes.</param>
    private static MatrixTiles Matrix(TensorType type, MatrixSlice slice, ref Cursor cursor)
    {
        int size = type.ElementSize();
        // A page that cannot hold a span of a whole group holds spans of fewer rows.
        int groupRows = Math.Min(GroupRows, cursor.PageBytes / (SpanColumns * size));
        var tiles = ImmutableArray.CreateBuilder<Tile>();
        int row = 0;
        foreach (int end in slice.Rows.Ends)
        {
            while (row < end)
            {
                int group = Math.Min(groupRows, end - row);
                AddGroup(tiles, row, group, size, slice, ref cursor);
                row += group;
            }
        }

        return new MatrixTiles
        {
            Type = type,
            Rows = row,
            Columns = slice.Columns.Count,
            WholeRows = slice.Rows,
            WholeColumns = slice.Columns,
            Tiles = tiles.ToImmutable(),
        };
    }

    /// <summary>Cuts a group of rows into spans of columns.</summary>
    private static void AddGroup(
        ImmutableArray<Tile>.Builder tiles, int row, int group, int size, MatrixSlice slice, ref Cursor cursor)
    {
        int columns = slice.Columns.Count;
        ReadOnlySpan<int> borders = slice.ColumnBorders.AsSpan();
        int border = 0;
        for (int column = 0; column < columns;)
        {
            while (border < borders.Length && borders[border] <= column)
            {
                border++;
            }

            int left = (border < borders.Length ? borders[border] : columns) - column;
            int span = Math.Min(left, cursor.Rest / (group * size));
            if (span < left)
            {
                span = borders.IsEmpty ? slice.WholeSpans(column + span) - column : span - (span % SpanColumns);
            }

            if (span <= 0)
            {
                cursor.NextPage();
                continue;
            }

            tiles.Add(new Tile(cursor.Page, cursor.Take(span * group * size), row, group, column, span));
            column += span;
        }
    }

    /// <summary>The place behind the last tile.</summary>
    private struct Cursor(int pageBytes)
    {
        private int _offset;

        public int PageBytes { get; } = pageBytes;

        public int Page { get; private set; }

        public readonly int Rest => PageBytes - _offset;

        public readonly int Pages => _offset > 0 ? Page + 1 : Page;

        public void NextPage()
        {
            Page = checked(Page + 1);
            _offset = 0;
        }

        public int Take(int bytes)
        {
            int begin = _offset;
            _offset = Math.Min(PageBytes, (_offset + bytes + Alignment - 1) & -Alignment);
            return begin;
        }
    }
}
