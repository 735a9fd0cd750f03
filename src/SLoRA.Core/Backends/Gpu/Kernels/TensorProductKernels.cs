using ILGPU;
using ILGPU.Runtime;
using SLoRA.Backends.Gpu.Intrinsics;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>
/// Dense products <c>y = x Wᵀ + b</c> on tensor cores: x [T, K] fp32, W [N, K] bfloat16, y [T, width], K a multiple of 32; of up to three W
/// with one x. An element of x is the sum of three bfloat16 numbers (<see cref="ActivationTerms"/>), so that no product is rounded; sums
/// are fp32.
/// </summary>
/// <remarks>
/// All kernels give each (row, output) the same chain of tensor-core products, so that a row's bits do not depend on how many rows share
/// the step: columns lie in four quarters of K (<see cref="ShareOf"/>); within a quarter, runs of 32 columns ascend, within a run the three
/// terms, and of each term the columns whose number mod 8 is below 4 and then the others. The quarters are added in order, the bias last.
/// Which 16 columns meet in one instruction follows from 16-byte loads: lane t of a row has columns 8t to 8t + 7 of a run, and both
/// operands number them alike.
/// </remarks>
internal static class TensorProductKernels
{
    /// <summary>Rows up to which <see cref="Few"/> is used.</summary>
    public const int FewRows = 16;

    /// <summary>2 to this are the outputs of a group of <see cref="Few"/>.</summary>
    public const int FewOutputsLog2 = 5;

    /// <summary>Columns that are read at once.</summary>
    public const int Run = 1 << RunLog2;

    /// <summary>Its logarithm.</summary>
    public const int RunLog2 = 5;

    private const int FewOutputs = 1 << FewOutputsLog2;
    private const int QuartersLog2 = 2;
    private const int Quarters = 1 << QuartersLog2;

    /// <summary>Columns of each quarter of K but the last, whole runs.</summary>
    public static int ShareOf(int inputs) => (((inputs >> RunLog2) + Quarters - 1) >> QuartersLog2) << RunLog2;

    /// <summary>
    /// For up to 16 rows: bound by the bytes of W, which is read once. Groups: 32 outputs of a part (x). Each warp has a quarter of K and
    /// all outputs; while a run is multiplied the next one's weights are on their way. The quarters meet in shared memory.
    /// </summary>
    [Kernel]
    public static void Few(
        ArrayView<float> x,
        ArrayView<ushort> weight0,
        ArrayView<ushort> weight1,
        ArrayView<ushort> weight2,
        ArrayView<float> bias0,
        ArrayView<float> bias1,
        ArrayView<float> bias2,
        ArrayView<float> y,
        GroupShape group)
    {
        int part = group.PartOf(Grid.IdxX, FewOutputsLog2);
        ProductShape shape = group.Of(part);
        ArrayView<float> bias = GroupShape.View(part, bias0, bias1, bias2);
        ArrayView<Words4> w = GroupShape.View(part, weight0, weight1, weight2).Cast<Words4>();
        ArrayView<Floats4> inputs = x.Cast<Floats4>();
        int lane = Group.IdxX & 31;
        int warp = Group.IdxX >> 5;
        int row = lane >> 2;
        int firstOutput = (Grid.IdxX - group.FirstBlock(part, FewOutputsLog2)) << FewOutputsLog2;
        long length = shape.Inputs >> 3;
        long w0 = (Within(firstOutput + row, shape.Outputs) * length) + (lane & 3);
        long w8 = (Within(firstOutput + row + 8, shape.Outputs) * length) + (lane & 3);
        long w16 = (Within(firstOutput + row + 16, shape.Outputs) * length) + (lane & 3);
        long w24 = (Within(firstOutput + row + 24, shape.Outputs) * length) + (lane & 3);
        long x0 = 2 * ((Within(row, shape.Rows) * length) + (lane & 3));
        long x8 = 2 * ((Within(row + 8, shape.Rows) * length) + (lane & 3));
        bool both = shape.Rows > 8;

        int share = ShareOf(shape.Inputs);
        int at = (warp * share) >> 3;
        int end = (warp + 1) * share < shape.Inputs ? ((warp + 1) * share) >> 3 : shape.Inputs >> 3;
        var rows0 = default(Sums32x8);
        var rows8 = default(Sums32x8);

        // All warps take as many steps, since a product is a matter of the whole group where it is emulated: behind the end they add zeros.
        int steps = share >> RunLog2;
        int last = (int)length - 4;
        int next = at < last ? at : last;
        Words4 next0 = w[w0 + next];
        Words4 next8 = w[w8 + next];
        Words4 next16 = w[w16 + next];
        Words4 next24 = w[w24 + next];
        for (int step = 0; step < steps; step++)
        {
            Words4 evenUpper = Even(next0, next8);
            Words4 oddUpper = Odd(next0, next8);
            Words4 evenLower = Even(next16, next24);
            Words4 oddLower = Odd(next16, next24);
            int here = next;
            bool inside = at < end;
            at += 4;
            next = at < last ? at : last;
            next0 = w[w0 + next];
            next8 = w[w8 + next];
            next16 = w[w16 + next];
            next24 = w[w24 + next];
            var terms0 = new ActivationTerms(inputs[x0 + (2 * here)], inputs[x0 + (2 * here) + 1], inside);
            var terms8 = new ActivationTerms(inputs[x8 + (2 * here)], inputs[x8 + (2 * here) + 1], inside);
            for (int term = 0; term < ActivationTerms.Count; term++)
            {
                Words4 b0 = terms0.Take();
                rows0 = WarpProduct.Multiply(rows0, evenUpper, evenLower, new Words2(b0.X, b0.Y));
                rows0 = WarpProduct.Multiply(rows0, oddUpper, oddLower, new Words2(b0.Z, b0.W));
                if (both)
                {
                    Words4 b8 = terms8.Take();
                    rows8 = WarpProduct.Multiply(rows8, evenUpper, evenLower, new Words2(b8.X, b8.Y));
                    rows8 = WarpProduct.Multiply(rows8, oddUpper, oddLower, new Words2(b8.Z, b8.W));
                }
            }
        }

        AddQuarters(bias, y, shape, 0, firstOutput, rows0, rows8);
    }

    /// <summary>
    /// For more rows than that, where there would be few groups of <see cref="Many"/>. Groups: 64 outputs of a part (x) times 64 rows (y).
    /// </summary>
    [Kernel]
    public static void Several(
        ArrayView<float> x,
        ArrayView<ushort> weight0,
        ArrayView<ushort> weight1,
        ArrayView<ushort> weight2,
        ArrayView<float> bias0,
        ArrayView<float> bias1,
        ArrayView<float> bias2,
        ArrayView<float> y,
        GroupShape group)
    {
        int part = group.PartOf(Grid.IdxX, SmallTile.OutputsLog2);
        TensorTiles.Multiply<SmallTile>(
            x, GroupShape.View(part, weight0, weight1, weight2), GroupShape.View(part, bias0, bias1, bias2), y, group.Of(part),
            Grid.IdxX - group.FirstBlock(part, SmallTile.OutputsLog2));
    }

    /// <summary>
    /// For many rows. Groups: 128 outputs of a part (x) times 128 rows (y).
    /// </summary>
    [Kernel]
    public static void Many(
        ArrayView<float> x,
        ArrayView<ushort> weight0,
        ArrayView<ushort> weight1,
        ArrayView<ushort> weight2,
        ArrayView<float> bias0,
        ArrayView<float> bias1,
        ArrayView<float> bias2,
        ArrayView<float> y,
        GroupShape group)
    {
        int part = group.PartOf(Grid.IdxX, LargeTile.OutputsLog2);
        TensorTiles.Multiply<LargeTile>(
            x, GroupShape.View(part, weight0, weight1, weight2), GroupShape.View(part, bias0, bias1, bias2), y, group.Of(part),
            Grid.IdxX - group.FirstBlock(part, LargeTile.OutputsLog2));
    }

    /// <summary>The columns of a run whose number mod 8 is below 4, as a fragment: rows g and g + 8.</summary>
    public static Words4 Even(Words4 row, Words4 row8) => new(row.X, row8.X, row.Y, row8.Y);

    /// <summary>The others.</summary>
    public static Words4 Odd(Words4 row, Words4 row8) => new(row.Z, row8.Z, row.W, row8.W);

    /// <summary>An index, or the last one there is.</summary>
    public static long Within(int index, int count) => index < count ? index : count - 1;

    /// <summary>
    /// The end of a kernel whose warps have quarters of K, of 32 outputs and 16 rows: they meet in shared memory, and with the bias in y.
    /// </summary>
    public static void AddQuarters(
        ArrayView<float> bias, ArrayView<float> y, ProductShape shape, int firstRow, int firstOutput, Sums32x8 rows0, Sums32x8 rows8)
    {
        ArrayView<float> sums = SharedMemory.Allocate<float>(Quarters * FewOutputs * FewRows);
        int lane = Group.IdxX & 31;
        int warp = Group.IdxX >> 5;
        int place = (warp * FewOutputs * FewRows) + ((lane & 3) * 2 * FewOutputs) + (lane >> 2);
        Put(sums, place, rows0);
        Put(sums, place + (8 * FewOutputs), rows8);
        Group.Barrier();
        int output = firstOutput + lane;
        for (int i = warp; i < FewRows; i += 4)
        {
            if (firstRow + i < shape.Rows && output < shape.Outputs)
            {
                int sum = (i * FewOutputs) + lane;
                float total = sums[sum];
                total += sums[sum + (FewOutputs * FewRows)];
                total += sums[sum + (2 * FewOutputs * FewRows)];
                total += sums[sum + (3 * FewOutputs * FewRows)];
                if (shape.HasBias == 1)
                {
                    total += bias[output];
                }

                y[((long)(firstRow + i) * shape.Width) + shape.FirstColumn + output] = total;
            }
        }
    }

    private static void Put(ArrayView<float> sums, int place, Sums32x8 tile)
    {
        sums[place] = tile.Upper.X;
        sums[place + FewOutputs] = tile.Upper.Y;
        sums[place + 8] = tile.Upper.Z;
        sums[place + FewOutputs + 8] = tile.Upper.W;
        sums[place + 16] = tile.Lower.X;
        sums[place + FewOutputs + 16] = tile.Lower.Y;
        sums[place + 24] = tile.Lower.Z;
        sums[place + FewOutputs + 24] = tile.Lower.W;
    }
}
