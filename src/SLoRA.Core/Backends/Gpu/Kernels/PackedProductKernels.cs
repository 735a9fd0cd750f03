using ILGPU;
using SLoRA.Backends.Gpu.Intrinsics;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>
/// Dense products <c>y = x Wᵀ + b</c> on tensor cores with packed W [N, K], K a multiple of 32: x [T, K] fp32, y [T, width]; of up to
/// three W with one x. Codes are whole numbers that bfloat16 has exactly, an element of x is the sum of three bfloat16 numbers
/// (<see cref="ActivationTerms"/>), so no product of theirs is rounded; sums are fp32.
/// </summary>
/// <remarks>
/// A row's bits do not depend on which rows share the step: units of 128 columns lie in four quarters of K (<see cref="ShareOf"/>); within
/// a quarter, runs of 32 columns ascend. Of a run, the products of codes and terms are one chain, times the step; where 16 columns have a
/// scale, one chain for each 16; then the sum of x times the offset. The quarters are added in order, the bias last.
/// </remarks>
internal static class PackedProductKernels
{
    private const int OutputsLog2 = TensorProductKernels.FewOutputsLog2;
    private const int RunsOfUnit = 4;

    /// <summary>Units of each quarter of K but the last ones.</summary>
    public static int ShareOf(int units) => (units + 3) >> 2;

    /// <summary>
    /// Groups: 32 outputs of a part (x) times 16 rows (y). Each warp has a quarter of K and all outputs; while a unit is multiplied the
    /// next one's codes and scales are on their way. The quarters meet in shared memory.
    /// </summary>
    [Kernel(packed: true)]
    public static void Multiply<TCodes, TScales>(
        ArrayView<float> x,
        ArrayView<uint> weight0,
        ArrayView<uint> weight1,
        ArrayView<uint> weight2,
        ArrayView<float> bias0,
        ArrayView<float> bias1,
        ArrayView<float> bias2,
        ArrayView<float> y,
        GroupShape group)
        where TCodes : struct, IUnitCodes
        where TScales : struct, IUnitScales
    {
        int part = group.PartOf(Grid.IdxX, OutputsLog2);
        ProductShape shape = group.Of(part);
        ArrayView<float> bias = GroupShape.View(part, bias0, bias1, bias2);
        ArrayView<uint> w = GroupShape.View(part, weight0, weight1, weight2);
        ArrayView<Floats4> inputs = x.Cast<Floats4>();
        int lane = Group.IdxX & 3;
        int row = (Group.IdxX & 31) >> 2;
        int firstOutput = (Grid.IdxX - group.FirstBlock(part, OutputsLog2)) << OutputsLog2;
        int firstRow = Grid.IdxY * TensorProductKernels.FewRows;
        bool both = shape.Rows > firstRow + 8;

        // Where outputs g, g + 8, g + 16 and g + 24 lie, and rows g and g + 8 of x; beyond the last one it stands in.
        long words = PackedFormat<TCodes, TScales>.RowWords(shape.Inputs);
        long w0 = TensorProductKernels.Within(firstOutput + row, shape.Outputs) * words;
        long w8 = TensorProductKernels.Within(firstOutput + row + 8, shape.Outputs) * words;
        long w16 = TensorProductKernels.Within(firstOutput + row + 16, shape.Outputs) * words;
        long w24 = TensorProductKernels.Within(firstOutput + row + 24, shape.Outputs) * words;
        long x0 = (TensorProductKernels.Within(firstRow + row, shape.Rows) * (shape.Inputs >> 2)) + lane;
        long x8 = (TensorProductKernels.Within(firstRow + row + 8, shape.Rows) * (shape.Inputs >> 2)) + lane;

        int units = PackedUnits.Of(shape.Inputs);
        int scales = units * TCodes.Words;
        int share = ShareOf(units);
        int unit = (Group.IdxX >> 5) * share;
        int end = unit + share < units ? unit + share : units;
        var rows0 = default(Sums32x8);
        var rows8 = default(Sums32x8);
        int code = TCodes.Words * (unit < units ? unit : units - 1);
        int scale = scales + (TScales.Words * (unit < units ? unit : units - 1));
        Words4 nextLow0 = TCodes.LoadLow(w, w0 + code, lane);
        Words4 nextLow8 = TCodes.LoadLow(w, w8 + code, lane);
        Words4 nextLow16 = TCodes.LoadLow(w, w16 + code, lane);
        Words4 nextLow24 = TCodes.LoadLow(w, w24 + code, lane);
        Words4 nextHigh0 = TCodes.LoadHigh(w, w0 + code, lane);
        Words4 nextHigh8 = TCodes.LoadHigh(w, w8 + code, lane);
        Words4 nextHigh16 = TCodes.LoadHigh(w, w16 + code, lane);
        Words4 nextHigh24 = TCodes.LoadHigh(w, w24 + code, lane);
        Words4 nextScales0 = TScales.LoadUnit(w, w0 + scale);
        Words4 nextScales8 = TScales.LoadUnit(w, w8 + scale);
        Words4 nextScales16 = TScales.LoadUnit(w, w16 + scale);
        Words4 nextScales24 = TScales.LoadUnit(w, w24 + scale);

        // All warps take as many steps, since a product is a matter of the whole group where it is emulated: behind the end they add zeros.
        for (int step = 0; LoopRegisters.Rolled(step) < share; step++)
        {
            Words4 low0 = nextLow0;
            Words4 low8 = nextLow8;
            Words4 low16 = nextLow16;
            Words4 low24 = nextLow24;
            Words4 high0 = nextHigh0;
            Words4 high8 = nextHigh8;
            Words4 high16 = nextHigh16;
            Words4 high24 = nextHigh24;
            Words4 scales0 = nextScales0;
            Words4 scales8 = nextScales8;
            Words4 scales16 = nextScales16;
            Words4 scales24 = nextScales24;
            int limit = unit < end ? shape.Inputs : 0;
            int column = unit << PackedUnits.ColumnsLog2;
            unit++;
            code = TCodes.Words * (unit < units ? unit : units - 1);
            scale = scales + (TScales.Words * (unit < units ? unit : units - 1));
            nextLow0 = TCodes.LoadLow(w, w0 + code, lane);
            nextLow8 = TCodes.LoadLow(w, w8 + code, lane);
            nextLow16 = TCodes.LoadLow(w, w16 + code, lane);
            nextLow24 = TCodes.LoadLow(w, w24 + code, lane);
            nextHigh0 = TCodes.LoadHigh(w, w0 + code, lane);
            nextHigh8 = TCodes.LoadHigh(w, w8 + code, lane);
            nextHigh16 = TCodes.LoadHigh(w, w16 + code, lane);
            nextHigh24 = TCodes.LoadHigh(w, w24 + code, lane);
            nextScales0 = TScales.LoadUnit(w, w0 + scale);
            nextScales8 = TScales.LoadUnit(w, w8 + scale);
            nextScales16 = TScales.LoadUnit(w, w16 + scale);
            nextScales24 = TScales.LoadUnit(w, w24 + scale);
            for (int run = 0; run < RunsOfUnit; run++)
            {
                bool inside = column < limit;
                long at = inside ? column >> 2 : 0;
                Words4 run0 = TScales.OfRun(scales0, run);
                Words4 run8 = TScales.OfRun(scales8, run);
                Words4 run16 = TScales.OfRun(scales16, run);
                Words4 run24 = TScales.OfRun(scales24, run);
                Words4 pairs0 = PackedRun.Pairs<TCodes, TScales>(low0, high0, run0);
                Words4 pairs8 = PackedRun.Pairs<TCodes, TScales>(low8, high8, run8);
                Words4 pairs16 = PackedRun.Pairs<TCodes, TScales>(low16, high16, run16);
                Words4 pairs24 = PackedRun.Pairs<TCodes, TScales>(low24, high24, run24);
                rows0 = PackedRun.AddTo<TScales>(
                    rows0, inputs[x0 + at], inputs[x0 + at + 4], inside, pairs0, pairs8, pairs16, pairs24, run0, run8, run16, run24);
                if (both)
                {
                    rows8 = PackedRun.AddTo<TScales>(
                        rows8, inputs[x8 + at], inputs[x8 + at + 4], inside, pairs0, pairs8, pairs16, pairs24, run0, run8, run16, run24);
                }

                Words4 behind0 = TCodes.NextHigh(high0);
                Words4 behind8 = TCodes.NextHigh(high8);
                Words4 behind16 = TCodes.NextHigh(high16);
                Words4 behind24 = TCodes.NextHigh(high24);
                low0 = TCodes.NextLow(low0, high0);
                low8 = TCodes.NextLow(low8, high8);
                low16 = TCodes.NextLow(low16, high16);
                low24 = TCodes.NextLow(low24, high24);
                high0 = behind0;
                high8 = behind8;
                high16 = behind16;
                high24 = behind24;
                column += TensorProductKernels.Run;
            }
        }

        TensorProductKernels.AddQuarters(bias, y, shape, firstRow, firstOutput, rows0, rows8);
    }
}
