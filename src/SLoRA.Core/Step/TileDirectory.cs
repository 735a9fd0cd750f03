using System.Collections.Immutable;
using SLoRA.Formats;

namespace SLoRA.Step;

/// <summary>
/// Where the weights of one generation lie in its pages: for each target module the tiles of A <c>[rank, in]</c> and of B transposed
/// <c>[rank, out]</c>, and whatever else it does to modules. Page numbers are relative to the generation; a resident generation maps them
/// to pages of the pool.
/// </summary>
internal sealed class TileDirectory
{
    /// <summary>Creates a directory over the modules that the adapter targets.</summary>
    /// <param name="modules">One entry per module of the model, indexed by its target index; null where the adapter has none.</param>
    /// <param name="pageCount">Pages that the generation needs.</param>
    public TileDirectory(ImmutableArray<ModuleTiles?> modules, int pageCount)
    {
        Modules = modules;
        PageCount = pageCount;
    }

    /// <summary>One entry per target module of the model; null where the adapter has none.</summary>
    public ImmutableArray<ModuleTiles?> Modules { get; }

    /// <summary>What is done to modules besides, like <see cref="Modules"/>, norms included; empty for plain LoRA.</summary>
    public ImmutableArray<ModuleChange?> Changes { get; init; } = [];

    /// <summary>
    /// The tokens whose last occurrence in a prompt is where the adapter begins to act; empty for one that acts from the first token on.
    /// </summary>
    public ImmutableArray<int> InvocationTokens { get; init; } = [];

    /// <summary>How it goes together with others in one request.</summary>
    public AdapterMixing Mixing { get; init; }

    /// <summary>Whether it is more than B A.</summary>
    public bool HasChanges => !Changes.IsEmpty;

    /// <summary>What is done to a module besides adding B A; null for nothing.</summary>
    public ModuleChange? ChangeOf(int target) => Changes.IsEmpty || target < 0 ? null : Changes[target];

    /// <summary>Every matrix.</summary>
    public IEnumerable<MatrixTiles> Matrices =>
        Modules.OfType<ModuleTiles>().SelectMany(module => new[] { module.A, module.B })
            .Concat(Changes.OfType<ModuleChange>().SelectMany(change => change.Matrices));

    /// <summary>Pages that the generation needs.</summary>
    public int PageCount { get; }

    /// <summary>
    /// What each of several shards has of it, with columns, rank rows and offsets as the shard counts them; empty on one device.
    /// </summary>
    public ImmutableArray<TileDirectory> Shards { get; init; } = [];
}

/// <summary>The weights of one target module.</summary>
internal sealed class ModuleTiles
{
    /// <summary>The module's own rank.</summary>
    public required int Rank { get; init; }

    /// <summary>What multiplies the delta: alpha / rank, or alpha / √rank. Never folded into the weights.</summary>
    public required float Scale { get; init; }

    /// <summary>A: <c>[rank, in]</c>, rank rows.</summary>
    public required MatrixTiles A { get; init; }

    /// <summary>B transposed: <c>[rank, out]</c>, rank rows.</summary>
    public required MatrixTiles B { get; init; }
}

/// <summary>One matrix of rank rows, cut into tiles. Tiles are ordered by first rank row, then by first column.</summary>
internal sealed class MatrixTiles
{
    /// <summary>Element type in the pages.</summary>
    public required TensorType Type { get; init; }

    /// <summary>Rank rows.</summary>
    public required int Rows { get; init; }

    /// <summary>Which rows of the whole matrix they are: a shard may have some of them.</summary>
    public Runs WholeRows { get; init; }

    /// <summary>Which columns of the whole matrix they are.</summary>
    public Runs WholeColumns { get; init; }

    /// <summary>The rank row of the whole matrix that row 0 is.</summary>
    public int FirstRow => WholeRows.First;

    /// <summary>The column of the whole matrix that column 0 is.</summary>
    public int FirstColumn => WholeColumns.First;

    /// <summary>Columns: inputs of the module for A, outputs for B.</summary>
    public required int Columns { get; init; }

    /// <summary>The tiles, which together cover the matrix exactly once; more often where several shards have the same columns.</summary>
    public required ImmutableArray<Tile> Tiles { get; init; }
}

/// <summary>
/// Up to 16 rank rows times a span of columns, row-major, rows <see cref="Columns"/> elements apart, inside one page.
/// </summary>
/// <param name="Page">Page number within the generation.</param>
/// <param name="Offset">Bytes from the start of the page, a multiple of 64.</param>
/// <param name="FirstRow">First rank row.</param>
/// <param name="Rows">Rank rows, 1 to 16.</param>
/// <param name="FirstColumn">First column.</param>
/// <param name="Columns">Columns.</param>
internal readonly record struct Tile(int Page, int Offset, int FirstRow, int Rows, int FirstColumn, int Columns);
