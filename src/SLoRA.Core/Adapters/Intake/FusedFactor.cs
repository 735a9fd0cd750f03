using System.Collections.Immutable;
using System.Runtime.InteropServices;
using SLoRA.Formats;

namespace SLoRA.Adapters.Intake;

/// <summary>
/// Spreads a factor of all experts over the matrices of the experts: rows <c>e · r + k</c> of the first tensor, columns <c>k · E + e</c> of
/// the second.
/// </summary>
/// <param name="matrices">The matrix of each expert: A [rank, in] or B [out, rank].</param>
/// <param name="isFirst">Whether this is the first tensor.</param>
/// <param name="isSwapped">Whether the first tensor is on the side of the outputs.</param>
internal sealed class FusedFactor(ImmutableArray<WeightMatrix> matrices, bool isFirst, bool isSwapped)
{
    private const int PieceBytes = LoadPace.PieceBytes;

    // The first tensor is A as it stands or B transposed, the second B as it stands or A transposed.
    private readonly bool _isA = isFirst != isSwapped;

    /// <summary>The matrix of each expert.</summary>
    public ImmutableArray<WeightMatrix> Matrices => matrices;

    private int Rank => _isA ? matrices[0].Rows : matrices[0].Columns;

    /// <summary>Features of a rank row: inputs for A, outputs for B.</summary>
    private int Features => _isA ? matrices[0].Columns : matrices[0].Rows;

    /// <summary>Puts a piece of the tensor where it belongs.</summary>
    /// <param name="offset">Bytes from the start of the tensor; whole elements.</param>
    /// <param name="piece">The bytes; whole elements.</param>
    public void Spread(long offset, ReadOnlySpan<byte> piece)
    {
        int size = matrices[0].Type.ElementSize();
        if (size == sizeof(uint))
        {
            Spread(offset / size, MemoryMarshal.Cast<byte, uint>(piece));
        }
        else
        {
            Spread(offset / size, MemoryMarshal.Cast<byte, ushort>(piece));
        }
    }

    /// <summary>Finds the largest magnitude of a matrix that is complete.</summary>
    public static void Measure(WeightMatrix matrix)
    {
        for (long offset = 0; offset < matrix.Length; offset += PieceBytes)
        {
            ReadOnlySpan<byte> piece = matrix.Part(offset, (int)Math.Min(PieceBytes, matrix.Length - offset));
            matrix.LargestBits = Math.Max(matrix.LargestBits, WeightScan.LargestBits(matrix.Type, piece));
        }
    }

    private void Spread<T>(long element, ReadOnlySpan<T> values)
        where T : unmanaged
    {
        int columns = isFirst ? Features : Rank * matrices.Length;
        long row = element / columns;
        int column = (int)(element % columns);
        while (!values.IsEmpty)
        {
            int count = Math.Min(values.Length, columns - column);
            if (isFirst)
            {
                SpreadRankRow((int)(row / Rank), (int)(row % Rank), column, values[..count]);
            }
            else
            {
                SpreadFeature((int)row, column, values[..count]);
            }

            values = values[count..];
            column = 0;
            row++;
        }
    }

    /// <summary>Part of a rank row of one expert, from a feature on.</summary>
    private void SpreadRankRow<T>(int expert, int rank, int feature, ReadOnlySpan<T> values)
        where T : unmanaged
    {
        if (_isA)
        {
            values.CopyTo(Row<T>(expert, rank)[feature..]);
            return;
        }

        for (int i = 0; i < values.Length; i++)
        {
            Row<T>(expert, feature + i)[rank] = values[i];
        }
    }

    /// <summary>Rank columns of one feature: for each rank the experts.</summary>
    private void SpreadFeature<T>(int feature, int column, ReadOnlySpan<T> values)
        where T : unmanaged
    {
        int expert = column % matrices.Length;
        int rank = column / matrices.Length;
        foreach (T value in values)
        {
            if (_isA)
            {
                Row<T>(expert, rank)[feature] = value;
            }
            else
            {
                Row<T>(expert, feature)[rank] = value;
            }

            if (++expert == matrices.Length)
            {
                expert = 0;
                rank++;
            }
        }
    }

    private Span<T> Row<T>(int expert, int row)
        where T : unmanaged
    {
        WeightMatrix matrix = matrices[expert];
        int bytes = matrix.Columns * matrix.Type.ElementSize();
        return MemoryMarshal.Cast<byte, T>(matrix.Part((long)row * bytes, bytes));
    }
}
