using System.Collections.Immutable;
using SLoRA.Adapters.Intake;
using SLoRA.Formats;
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
    /// <param name="modules">The modules that it changes.</param>
    /// <param name="modelModules">How many modules the model has: their indices are below this.</param>
    /// <param name="pageBytes">Bytes of a page, of every shard's slice at least <see cref="SmallestPage"/>, a multiple of
    /// <see cref="Alignment"/>.</param>
    /// <param name="policy">In which type the weights are to lie in the pages.</param>
    /// <param name="baseType">The type of the base model's weights.</param>
    /// <param name="shards">Shards that have an equal slice of every page and share the modules as their partitions say.</param>
    public static TileDirectory Plan(
        ImmutableArray<AdapterModule> modules, int modelModules, long pageBytes, AdapterWeightType policy, TensorType baseType,
        int shards = 1)
    {
        long sliceBytes = pageBytes / shards;
        ArgumentOutOfRangeException.ThrowIfLessThan(sliceBytes, SmallestPage, nameof(pageBytes));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(pageBytes, int.MaxValue);
        ArgumentOutOfRangeException.ThrowIfNotEqual(sliceBytes % Alignment, 0, nameof(pageBytes));
        if (shards > 1)
        {
            return ShardedTiles.Join(
                [.. Enumerable.Range(0, shards).Select(shard => Plan(
                    modules, modelModules, (int)sliceBytes, policy, baseType, module => AdapterSlice.Of(module, shard, shards)))],
                (int)sliceBytes);
        }

        return Plan(modules, modelModules, (int)pageBytes, policy, baseType, AdapterSlice.Whole);
    }

    /// <summary>The type in which a matrix lies in the pages.</summary>
    public static TensorType PagedType(TensorType stored, AdapterWeightType policy, TensorType baseType) =>
        policy == AdapterWeightType.BaseType && stored == TensorType.F32 && baseType is TensorType.F16 or TensorType.BF16
            ? baseType
            : stored;

    private static TileDirectory Plan(
        ImmutableArray<AdapterModule> modules, int modelModules, int pageBytes, AdapterWeightType policy, TensorType baseType,
        Func<AdapterModule, AdapterSlice> sliceOf)
    {
        var cursor = new Cursor(pageBytes);
        var tiles = new ModuleTiles?[modelModules];
        foreach (AdapterModule module in modules)
        {
            AdapterSlice slice = sliceOf(module);
            tiles[module.Target.Index] = new ModuleTiles
            {
                Rank = module.Rank,
                Scale = module.Scale,
                A = Matrix(PagedType(module.A.Type, policy, baseType), slice.A, ref cursor),
                B = Matrix(PagedType(module.B.Type, policy, baseType), slice.B, ref cursor),
            };
        }

        return new TileDirectory([.. tiles], cursor.Pages);
    }

    private static MatrixTiles Matrix(TensorType type, MatrixSlice slice, ref Cursor cursor)
    {
        (int rows, int columns) = (slice.Rows, slice.Columns);
        int size = type.ElementSize();
        // A page that cannot hold a span of a whole group holds spans of fewer rows.
        int groupRows = Math.Min(GroupRows, cursor.PageBytes / (SpanColumns * size));
        var tiles = ImmutableArray.CreateBuilder<Tile>();
        for (int row = 0; row < rows; row += groupRows)
        {
            int group = Math.Min(groupRows, rows - row);
            for (int column = 0; column < columns;)
            {
                int span = Math.Min(columns - column, cursor.Rest / (group * size));
                if (span < columns - column)
                {
                    span = slice.WholeSpans(column + span) - column;
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
