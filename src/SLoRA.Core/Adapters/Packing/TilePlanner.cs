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
            if (!parts.Changes.IsEmpty)
            {
                throw new NotSupportedException("What an adapter has besides A and B is not cut over shards.");
            }

            return ShardedTiles.Join(
                [.. Enumerable.Range(0, shards).Select(shard => Plan(
                    parts, modelModules, (int)sliceBytes, policy, baseType, module => AdapterSlice.Of(module, shard, shards)))],
                (int)sliceBytes);
        }

        return Plan(parts, modelModules, (int)pageBytes, policy, baseType, AdapterSlice.Whole);
    }

    /// <summary>The type in which a matrix lies in the pages.</summary>
    public static TensorType PagedType(TensorType stored, AdapterWeightType policy, TensorType baseType) =>
        policy == AdapterWeightType.BaseType && stored == TensorType.F32 && baseType is TensorType.F16 or TensorType.BF16
            ? baseType
            : stored;

    /// <summary>The columns at which tiles must end, so that each head's keys and values are whole tiles.</summary>
    private static int[] Borders(HeadViews? views)
    {
        if (views is null)
        {
            return [];
        }

        var borders = new int[2 * views.Heads];
        for (int head = 0; head < views.Heads; head++)
        {
            int first = head * (views.KeyColumns + views.ValueColumns);
            borders[2 * head] = first + views.KeyColumns;
            borders[(2 * head) + 1] = first + views.KeyColumns + views.ValueColumns;
        }

        return borders;
    }

    /// <summary>What the module is for each of its heads: keys go through it backwards, from B's columns of the head to A's.</summary>
    private static void AddViews(HeadViews views, ModuleTiles whole, ModuleTiles?[] tiles)
    {
        for (int head = 0; head < views.Heads; head++)
        {
            int first = head * (views.KeyColumns + views.ValueColumns);
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
        Func<AdapterModule, AdapterSlice> sliceOf)
    {
        var cursor = new Cursor(pageBytes);
        var tiles = new ModuleTiles?[modelModules];
        foreach (AdapterModule module in parts.Modules)
        {
            AdapterSlice slice = sliceOf(module);
            HeadViews? views = module.Target.Views;
            var planned = new ModuleTiles
            {
                Rank = module.Rank,
                Scale = module.Scale,
                A = Matrix(PagedType(module.A.Type, policy, baseType), slice.A, [], ref cursor),
                B = Matrix(PagedType(module.B.Type, policy, baseType), slice.B, Borders(views), ref cursor),
            };
            tiles[module.Target.Index] = planned;
            if (views is not null)
            {
                AddViews(views, planned, tiles);
            }
        }

        ImmutableArray<ModuleChange?> changes = Changes(parts, modelModules, policy, baseType, ref cursor);
        return new TileDirectory([.. tiles], cursor.Pages)
        {
            Changes = changes,
            InvocationTokens = parts.InvocationTokens,
            Mixing = AdapterKinds.MixingOf(parts),
        };
    }

    private static ImmutableArray<ModuleChange?> Changes(
        AdapterParts parts, int modelModules, AdapterWeightType policy, TensorType baseType, ref Cursor cursor)
    {
        if (parts.Changes.IsEmpty)
        {
            return [];
        }

        var changes = new ModuleChange?[modelModules];
        foreach (AdapterChange change in parts.Changes)
        {
            TargetModule target = change.Target;
            ImmutableArray<int> ids = change.RowIds;
            int rows = ids.IsEmpty ? WantedTensors.RowsOf(target) : ids.Length;
            MatrixSlice vector = new MatrixSlice(0, 1, 0, target.OutFeatures);
            changes[target.Index] = new ModuleChange
            {
                // Norms are fp32 in the base too.
                Rows = change.AllRows is not { } stored ? null : Matrix(
                    target.Kind == TargetKind.Norm ? TensorType.F32 : PagedType(stored.Type, policy, baseType),
                    new MatrixSlice(0, rows, 0, WantedTensors.ColumnsOf(target)), [], ref cursor),
                Ids = ids,
                Factor = change.HasFactor ? Matrix(TensorType.F32, vector, [], ref cursor) : null,
                Offset = change.HasOffset ? Matrix(TensorType.F32, vector, [], ref cursor) : null,
            };
        }

        return [.. changes];
    }

    /// <param name="type">The type of the elements.</param>
    /// <param name="slice">What of the matrix.</param>
    /// <param name="borders">Columns at which tiles must end, ascending; empty for none.</param>
    /// <param name="cursor">Where the next tile goes.</param>
    private static MatrixTiles Matrix(TensorType type, MatrixSlice slice, ReadOnlySpan<int> borders, ref Cursor cursor)
    {
        (int rows, int columns) = (slice.Rows, slice.Columns);
        int size = type.ElementSize();
        // A page that cannot hold a span of a whole group holds spans of fewer rows.
        int groupRows = Math.Min(GroupRows, cursor.PageBytes / (SpanColumns * size));
        var tiles = ImmutableArray.CreateBuilder<Tile>();
        for (int row = 0; row < rows; row += groupRows)
        {
            int group = Math.Min(groupRows, rows - row);
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

        return new MatrixTiles
        {
            Type = type,
            Rows = rows,
            Columns = columns,
            FirstRow = slice.FirstRow,
            FirstColumn = slice.FirstColumn,
            Tiles = tiles.ToImmutable(),
        };
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
