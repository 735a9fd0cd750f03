using System.Collections.Immutable;
using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using SLoRA.Adapters.Intake;
using SLoRA.Backends;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Adapters.Packing;

/// <summary>
/// Copies the content of an adapter into its pages, piece by piece, so that a caller can spread the work over steps. A keeps its order, B
/// is transposed, both are rounded to the type that the directory asks for. Packing the same content again gives the same bytes.
/// </summary>
internal sealed class TilePacker
{
    // Columns of a piece: its rows are gathered in a buffer that stays in the nearest cache.
    private const int PieceColumns = 256;

    private readonly IPageMemory _memory;
    private readonly int[] _pages;
    private readonly byte[] _buffer = new byte[TilePlanner.GroupRows * PieceColumns * sizeof(float)];
    private readonly float[] _wide = new float[TilePlanner.GroupRows * PieceColumns];
    private readonly ImmutableArray<Source> _sources;
    private int _source;
    private int _tile;
    private int _column;

    /// <summary>Prepares the packing and checks that it can succeed; nothing is written yet.</summary>
    /// <param name="content">The content; it must stay until packing has finished.</param>
    /// <param name="directory">Its layout.</param>
    /// <param name="memory">The pages.</param>
    /// <param name="pages">Page number within the generation → page of the pool.</param>
    /// <exception cref="AdapterLoadException">A value is too large for the type that it is to be stored in.</exception>
    public TilePacker(AdapterContent content, TileDirectory directory, IPageMemory memory, int[] pages)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(pages.Length, directory.PageCount, nameof(pages));
        _sources = [.. Sources(content, directory)];
        _memory = memory;
        _pages = pages;
        CheckRange(content, directory);
    }

    /// <summary>Checks that every value fits the type that it is to be stored in.</summary>
    /// <exception cref="AdapterLoadException">A value is too large.</exception>
    public static void CheckRange(AdapterContent content, TileDirectory directory)
    {
        foreach (AdapterContentModule module in content.Modules)
        {
            CheckRange(content, module.A, Tiles(directory, module).A.Type);
            CheckRange(content, module.B, Tiles(directory, module).B.Type);
        }

        foreach (AdapterContentChange change in content.Changes)
        {
            if (change.Rows is not null && directory.ChangeOf(change.Target.Index)!.Rows is { } rows)
            {
                CheckRange(content, change.Rows, rows.Type);
            }
        }
    }

    /// <summary>Packs all at once.</summary>
    /// <inheritdoc cref="TilePacker(AdapterContent, TileDirectory, IPageMemory, int[])"/>
    public static void Pack(AdapterContent content, TileDirectory directory, IPageMemory memory, int[] pages)
    {
        var packer = new TilePacker(content, directory, memory, pages);
        while (!packer.Advance(long.MaxValue))
        {
        }
    }

    /// <summary>Writes the next bytes; whether all have been written.</summary>
    /// <param name="bytes">How many to write, at least; the last piece may exceed it by some ten kilobytes.</param>
    public bool Advance(long bytes)
    {
        while (_source < _sources.Length)
        {
            if (bytes <= 0)
            {
                return false;
            }

            bytes -= NextPiece(_sources[_source]);
        }

        return true;
    }

    /// <summary>What goes into the pages, in the order of the directory.</summary>
    private static IEnumerable<Source> Sources(AdapterContent content, TileDirectory directory)
    {
        foreach (AdapterContentModule module in content.Modules)
        {
            yield return new Source(Tiles(directory, module).A, module.A, null, IsTransposed: false);
            yield return new Source(Tiles(directory, module).B, module.B, null, IsTransposed: true);
        }

        foreach (AdapterContentChange change in content.Changes)
        {
            ModuleChange tiles = directory.ChangeOf(change.Target.Index)
                ?? throw new ArgumentException($"The directory knows no change of {change.Target.Name}.");
            if (tiles.Rows is not null)
            {
                yield return change.Target.WeightOffset == 0
                    ? new Source(tiles.Rows, change.Rows, null, IsTransposed: false)
                    : new Source(tiles.Rows, null, Shifted(change.Rows!, change.Target.WeightOffset), IsTransposed: false);
            }

            if (tiles.Factor is not null)
            {
                yield return new Source(tiles.Factor, null, change.Factor, IsTransposed: false);
            }

            if (tiles.Offset is not null)
            {
                yield return new Source(tiles.Offset, null, change.Offset, IsTransposed: false);
            }
        }
    }

    private static float[] Shifted(WeightMatrix stored, float offset) => [.. stored.Widened().Select(value => value + offset)];

    private static ModuleTiles Tiles(TileDirectory directory, AdapterContentModule module) =>
        directory.Modules[module.Target.Index] ?? throw new ArgumentException($"The directory has no tiles for {module.Target.Name}.");

    private long NextPiece(Source source)
    {
        Tile tile = source.Tiles.Tiles[_tile];
        int columns = Math.Min(PieceColumns, tile.Columns - _column);
        TensorType type = source.Tiles.Type;
        int size = type.ElementSize();
        if (source.IsTransposed)
        {
            GatherTransposed(source.Matrix!, type, tile, columns);
        }
        else if (source.Matrix is not null)
        {
            GatherRows(source.Matrix, type, tile, columns);
        }
        else
        {
            MemoryMarshal.AsBytes(source.Vector.AsSpan(tile.FirstColumn + _column, columns)).CopyTo(_buffer);
        }

        for (int row = 0; row < tile.Rows; row++)
        {
            long offset = tile.Offset + ((((long)row * tile.Columns) + _column) * size);
            _memory.Write(_pages[tile.Page], offset, _buffer.AsSpan(row * columns * size, columns * size));
        }

        Step(tile, source.Tiles, columns);
        return (long)tile.Rows * columns * size;
    }

    private void Step(Tile tile, MatrixTiles tiles, int columns)
    {
        _column += columns;
        if (_column < tile.Columns)
        {
            return;
        }

        _column = 0;
        if (++_tile == tiles.Tiles.Length)
        {
            _tile = 0;
            _source++;
        }
    }

    /// <summary>Rows of A [rank, in], or of a weight, → buffer [tile rows, columns].</summary>
    private void GatherRows(WeightMatrix matrix, TensorType type, Tile tile, int columns)
    {
        int from = matrix.Type.ElementSize(), to = type.ElementSize();
        for (int row = 0; row < tile.Rows; row++)
        {
            long start = (((long)(tile.FirstRow + row) * matrix.Columns) + tile.FirstColumn + _column) * from;
            Convert(matrix.Part(start, columns * from), matrix.Type, _buffer.AsSpan(row * columns * to, columns * to), type);
        }
    }

    /// <summary>Columns of B [out, rank] → buffer [tile rows, columns]: row k of the buffer is column k of B.</summary>
    private void GatherTransposed(WeightMatrix matrix, TensorType type, Tile tile, int columns)
    {
        ReadOnlySpan<byte> source = matrix.RowsFrom(tile.FirstColumn + _column, columns);
        switch (matrix.Type, type)
        {
            case (TensorType.F32, TensorType.F32):
                Transpose(MemoryMarshal.Cast<byte, float>(source), matrix.Columns, MemoryMarshal.Cast<byte, float>(_buffer.AsSpan()),
                    tile, columns);
                break;
            case (TensorType.F16, TensorType.F16) or (TensorType.BF16, TensorType.BF16):
                Transpose(MemoryMarshal.Cast<byte, ushort>(source), matrix.Columns, MemoryMarshal.Cast<byte, ushort>(_buffer.AsSpan()),
                    tile, columns);
                break;
            case (TensorType.F32, TensorType.F16 or TensorType.BF16):
                int count = tile.Rows * columns;
                Transpose(MemoryMarshal.Cast<byte, float>(source), matrix.Columns, _wide.AsSpan(), tile, columns);
                Narrow(_wide.AsSpan(0, count), _buffer.AsSpan(0, count * type.ElementSize()), type);
                break;
            default:
                throw UnservedType.Error(type);
        }
    }

    private static void Transpose<T>(ReadOnlySpan<T> source, int stride, Span<T> destination, Tile tile, int columns)
    {
        for (int column = 0; column < columns; column++)
        {
            ReadOnlySpan<T> ranks = source.Slice((column * stride) + tile.FirstRow, tile.Rows);
            for (int row = 0; row < ranks.Length; row++)
            {
                destination[(row * columns) + column] = ranks[row];
            }
        }
    }

    private static void Convert(ReadOnlySpan<byte> source, TensorType from, Span<byte> destination, TensorType to)
    {
        if (from == to)
        {
            source.CopyTo(destination);
        }
        else if (to == TensorType.F32)
        {
            WeightFormat.Of(from)!.Widen(source, MemoryMarshal.Cast<byte, float>(destination));
        }
        else
        {
            Narrow(MemoryMarshal.Cast<byte, float>(source), destination, to);
        }
    }

    /// <summary>fp32 → 16 bits, to nearest even.</summary>
    private static void Narrow(ReadOnlySpan<float> source, Span<byte> destination, TensorType to)
    {
        switch (to)
        {
            case TensorType.F16:
                TensorPrimitives.ConvertToHalf(source, MemoryMarshal.Cast<byte, Half>(destination));
                break;
            case TensorType.BF16:
                NarrowToBrain(source, MemoryMarshal.Cast<byte, ushort>(destination));
                break;
            default:
                throw UnservedType.Error(to);
        }
    }

    private static void NarrowToBrain(ReadOnlySpan<float> source, Span<ushort> narrow)
    {
        ReadOnlySpan<uint> bits = MemoryMarshal.Cast<float, uint>(source);
        int at = 0;
        for (int step = 2 * Vector<uint>.Count; at <= bits.Length - step; at += step)
        {
            Vector.Narrow(Upper(new Vector<uint>(bits[at..])), Upper(new Vector<uint>(bits[(at + Vector<uint>.Count)..])))
                .CopyTo(narrow[at..]);
        }

        for (; at < source.Length; at++)
        {
            narrow[at] = Elements.Narrow(source[at]);
        }

        // Adds just less than half a unit of the upper half, and the rest where the upper half is odd. The values are finite.
        static Vector<uint> Upper(Vector<uint> bits) => (bits + new Vector<uint>(0x7FFF) + ((bits >>> 16) & Vector<uint>.One)) >>> 16;
    }

    private static void CheckRange(AdapterContent content, WeightMatrix matrix, TensorType type)
    {
        if (matrix.Type == type || type == TensorType.F32)
        {
            return;
        }

        // The smallest magnitudes that round to infinity: half a unit above the largest finite value, which has an odd mantissa.
        uint tooLarge = type switch
        {
            TensorType.F16 => BitConverter.SingleToUInt32Bits(65520),
            TensorType.BF16 => 0x7F7F_8000,
            _ => throw UnservedType.Error(type),
        };
        if (matrix.LargestBits < tooLarge)
        {
            return;
        }

        float largest = BitConverter.UInt32BitsToSingle(matrix.LargestBits);
        throw new AdapterLoadException(
            content.Description.Package.Name,
            new FormatError(
                LoadErrorKind.Tensor,
                content.Description.File,
                matrix.Name,
                $"has a value of magnitude {largest}, too large for {type}, in which adapters of this model are stored; "
                    + "keep them as stored"));
    }

    /// <summary>One matrix of the directory and what it is filled with: a matrix, or else a vector in fp32.</summary>
    private readonly record struct Source(MatrixTiles Tiles, WeightMatrix? Matrix, float[]? Vector, bool IsTransposed);
}
