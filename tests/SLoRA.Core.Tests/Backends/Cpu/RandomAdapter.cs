using System.Collections.Immutable;
using SLoRA.Adapters;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Backends.Cpu;

/// <summary>Makes adapters with random weights in tiles of random shapes, and writes them to the pages of both backends.</summary>
internal sealed class RandomAdapter(Twin twin, Queue<int> freePages, int pageBytes)
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

            int rank = twin.Random.Next(4) == 0 ? twin.Random.Next(1, 129) : twin.Random.Next(1, 20);
            tiles.Add(new ModuleTiles
            {
                Rank = rank,
                Scale = twin.Number() * 2,
                A = Matrix(rank, shape.Inputs),
                B = Matrix(rank, shape.Outputs),
            });
        }

        return new ResidentAdapter(new TileDirectory(tiles.ToImmutable(), _pages.Count), [.. _pages]);
    }

    private MatrixTiles Matrix(int rows, int columns)
    {
        TensorType type = twin.AnyType();
        int tileRows = twin.Random.Next(2) == 0 ? 16 : twin.Random.Next(1, 17);
        int span = Math.Min(32 * twin.Random.Next(1, 6), pageBytes / tileRows / type.ElementSize() & ~31);
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
                Elements.Write(type, data, i, twin.Number());
            }
        }

        var tile = new Tile(_pages.Count - 1, _used, row, rows, column, columns);
        twin.Reference.Pages.Write(_pages[^1], _used, bytes);
        twin.Cpu.Pages.Write(_pages[^1], _used, bytes);
        _used += (bytes.Length + 63) & ~63;
        return tile;
    }
}
