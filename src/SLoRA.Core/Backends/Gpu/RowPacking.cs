using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Formats;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// Lays rows of a weight out as <see cref="PackedFormat{TCodes,TScales}"/> reads them; nothing of what is stored is lost.
/// </summary>
internal abstract class RowPacking
{
    /// <summary>Bytes of a row of so many columns.</summary>
    public abstract int RowBytes(int columns);

    /// <summary>Packs a row.</summary>
    /// <param name="format">How it is stored.</param>
    /// <param name="row">Its blocks.</param>
    /// <param name="packed">As many bytes as <see cref="RowBytes"/> says.</param>
    public abstract void Pack(WeightFormat format, ReadOnlySpan<byte> row, Span<uint> packed);
}

/// <inheritdoc/>
/// <typeparam name="TCodes">How codes lie.</typeparam>
/// <typeparam name="TScales">How scales lie.</typeparam>
/// <typeparam name="TBlocks">How files store them.</typeparam>
internal sealed class RowPacking<TCodes, TScales, TBlocks> : RowPacking
    where TCodes : struct, IUnitCodes
    where TScales : struct, IUnitScales
    where TBlocks : struct, IStoredCodes
{
    private static int GroupsOfUnit => PackedUnits.Columns / (TScales.AreOf16 ? 16 : 32);

    /// <inheritdoc/>
    public override int RowBytes(int columns) => PackedFormat<TCodes, TScales>.RowWords(columns) * sizeof(uint);

    /// <inheritdoc/>
    public override void Pack(WeightFormat format, ReadOnlySpan<byte> row, Span<uint> packed)
    {
        int columns = row.Length / format.BlockBytes * format.BlockElements;
        int units = PackedUnits.Of(columns), groupColumns = PackedUnits.Columns / GroupsOfUnit;
        int groupsOfBlock = format.BlockElements / groupColumns;

        // Codes count from zero as kernels have it, where formats that have it elsewhere share a layout.
        int shift = TCodes.Zero - TBlocks.ZeroOf(format);
        Span<int> codes = stackalloc int[format.BlockElements];
        packed.Clear();
        for (int column = 0; column < columns; column += groupColumns)
        {
            int group = column / groupColumns;
            ReadOnlySpan<byte> block = row.Slice(group / groupsOfBlock * format.BlockBytes, format.BlockBytes);
            if (group % groupsOfBlock == 0)
            {
                TBlocks.ReadCodes(format, block, codes);
            }

            int unit = column / PackedUnits.Columns;
            Span<uint> words = packed.Slice(unit * TCodes.Words, TCodes.Words);
            for (int i = 0; i < groupColumns; i++)
            {
                TCodes.Write(words, (column + i) % PackedUnits.Columns, codes[(group % groupsOfBlock * groupColumns) + i] + shift);
            }

            TScales.Write(
                packed.Slice((units * TCodes.Words) + (unit * TScales.Words), TScales.Words), group % GroupsOfUnit,
                TBlocks.ReadNumbers(format, block, group % groupsOfBlock));
        }
    }
}
