using ILGPU;
using SLoRA.Backends.Gpu.Intrinsics;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>
/// Weights of few bits on the device, dequantised in registers. A row is whole units of 128 columns, first the codes of all of them and
/// then their scales, and begins at a multiple of 16 bytes.
/// </summary>
/// <typeparam name="TCodes">How codes lie.</typeparam>
/// <typeparam name="TScales">How scales lie.</typeparam>
internal readonly struct PackedFormat<TCodes, TScales> : IStoredFormat<uint>
    where TCodes : struct, IUnitCodes
    where TScales : struct, IUnitScales
{
    public static int RowWords(int columns) => ((PackedUnits.Of(columns) * (TCodes.Words + TScales.Words)) + 3) & ~3;

    public static float Load(ArrayView<uint> weight, long row, int column, int columns)
    {
        int unit = column >> PackedUnits.ColumnsLog2;
        int place = column & (PackedUnits.Columns - 1);
        int code = TCodes.Load(weight, row + (unit * TCodes.Words), place);
        Words4 scales = TScales.LoadRun(
            weight, row + (PackedUnits.Of(columns) * TCodes.Words) + (unit * TScales.Words), place >> 5);
        if (TScales.HasZeros)
        {
            code -= TScales.Zero(scales);
        }

        float step = TScales.Step(scales);
        if (TScales.AreOf16)
        {
            step = (column & 16) != 0 ? TScales.SecondStep(scales) : step;
        }

        // The product is exact, so it does not matter whether the sum is fused with it.
        float value = step * code;
        return TScales.HasOffsets ? value + TScales.Offset(scales) : value;
    }
}

/// <summary>The units of a row of packed weights.</summary>
internal static class PackedUnits
{
    /// <summary>2 to this are the columns of a unit.</summary>
    public const int ColumnsLog2 = 7;

    /// <summary>Columns of a unit.</summary>
    public const int Columns = 1 << ColumnsLog2;

    /// <summary>Units of a row; the last one may have columns that the row has not.</summary>
    public static int Of(int columns) => (columns + Columns - 1) >> ColumnsLog2;
}
