using ILGPU;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>What a block of <see cref="ShrinkBlocks"/> takes of a tile: eight rank rows, those columns of it that lie in a leaf.</summary>
/// <param name="row">The block's first rank row, counted from the tile's.</param>
/// <param name="rows">Rank rows of the tile.</param>
/// <param name="span">Columns of the tile.</param>
/// <param name="leafBegin">The first column of the leaf.</param>
/// <param name="from">The first column.</param>
/// <param name="to">The end of the columns.</param>
/// <param name="inputs">Columns of x.</param>
internal readonly struct ShrinkRun(int row, int rows, int span, int leafBegin, int from, int to, int inputs)
{
    /// <summary>The first column of the leaf.</summary>
    public readonly int LeafBegin = leafBegin;

    /// <summary>The first column.</summary>
    public readonly int From = from;

    /// <summary>The end of the columns.</summary>
    public readonly int To = to;

    private readonly int _row = row;
    private readonly int _rows = rows;
    private readonly int _span = span;
    private readonly int _inputs = inputs;

    /// <summary>Whether units of x begin at multiples of 16 bytes, and all rows of the tile alike, the first unit being whole.</summary>
    public bool IsWide => ((_inputs | LeafBegin) & 3) == 0 && ((_span | (From - LeafBegin)) & 7) == 0;

    /// <summary>Whether the tile has a row of the block.</summary>
    public bool Has(int rank)
    {
        int row = _row + rank;
        return row >= 0 && row < _rows;
    }

    /// <summary>Where a row of the block begins in the tile; that of one of its rows where it has not this one.</summary>
    public long Row(int rank)
    {
        int row = _row + rank;
        row = row < 0 ? 0 : row;
        row = row < _rows ? row : _rows - 1;
        return (long)row * _span;
    }

    /// <summary>The thread's first unit.</summary>
    public int FirstUnit()
    {
        int unit = (From - LeafBegin) >> 3;
        return unit + ((Group.IdxX - unit) & (KernelLoader.GroupSize - 1));
    }

    /// <summary>The first column of a unit.</summary>
    public int Begin(int unit) => LeafBegin + (unit << 3);
}
