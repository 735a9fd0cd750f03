using System.Collections.Immutable;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Cpu;

/// <summary>Writes a tile's elements to a page.</summary>
internal delegate void TileWriter(int page, int offset, TensorType type, byte[] elements);

/// <summary>Makes adapters with random weights in tiles of random shapes.</summary>
/// <param name="random">Shapes, types and weights.</param>
/// <param name="write">Puts a tile into a page of every backend.</param>
/// <param name="freePages">Pages of the pool that are taken from, in this order.</param>
/// <param name="pageBytes">Bytes of a page; 2 KiB at least.</param>
internal sealed class RandomAdapter(Random random, TileWriter write, Queue<int> freePages, int pageBytes)
{
    private readonly List<int> _pages = [];
    private int _used;

    /// <summary>An adapter over the modules given as (inputs, outputs); null leaves a module out.</summary>
    public ResidentAdapter Create(params (int Inputs, int Outputs)?[] modules)
    {
        _pages.Clear();
        _used = pageBytes;
        var tiles = ImmutableArray.CreateBuilder<ModuleTiles?>();
        foreach ((int Inputs, int Outputs)? module in modules)
        {
            if (module is not { } shape)
            {
                tiles.Add(null);
                continue;
            }

            int rank = random.Next(4) == 0 ? random.Next(1, 129) : random.Next(1, 20);
            tiles.Add(new ModuleTiles
            {
                Rank = rank,
                Scale = Number() * 2,
                A = Matrix(rank, shape.Inputs),
                B = Matrix(rank, shape.Outputs),
            });
        }

        return new ResidentAdapter(new TileDirectory(tiles.ToImmutable(), _pages.Count), [.. _pages]);
    }

    private MatrixTiles Matrix(int rows, int columns)
    {
        TensorType type = Twin.Types[random.Next(Twin.Types.Length)];
        int tileRows = random.Next(2) == 0 ? 16 : random.Next(1, 17);
        int span = Math.Min(32 * random.Next(1, 6), pageBytes / tileRows / type.ElementSize() & ~31);
        var tiles = ImmutableArray.CreateBuilder<Tile>();
        for (int row = 0; row < rows; row += tileRows)
        {
            for (int column = 0; column < columns; column += span)
            {
                tiles.Add(Place(type, row, Math.Min(tileRows, rows - row), column, Math.Min(span, columns - column)));
            }
        }

        return new MatrixTiles { Type = type, Rows = rows, Columns = columns, Tiles = tiles.ToImmutable() };
    }

    private unsafe Tile Place(TensorType type, int row, int rows, int column, int columns)
    {
        var bytes = new byte[rows * columns * type.ElementSize()];
        if (_used + bytes.Length > pageBytes)
        {
            _pages.Add(freePages.Dequeue());
            _used = 0;
        }

        fixed (byte* data = bytes)
        {
            for (int i = 0; i < rows * columns; i++)
            {
                Elements.Write(type, data, i, Number());
            }
        }

        var tile = new Tile(_pages.Count - 1, _used, row, rows, column, columns);
        write(_pages[^1], _used, type, bytes);
        _used += (bytes.Length + 63) & ~63;
        return tile;
    }

    private float Number() => (float)((random.NextDouble() * 2) - 1);
}
