using ILGPU;
using ILGPU.Runtime;
using SLoRA.Backends.Gpu.Intrinsics;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>
/// Dense products <c>y = x Wᵀ + b</c> on tensor cores: x [T, K] fp32, W [N, K] bfloat16, y [T, width], K a multiple of 32. An element of x
/// is the sum of three bfloat16 numbers (<see cref="ActivationTerms"/>), so that no product is rounded; sums are fp32.
/// </summary>
/// <remarks>
/// Both kernels give each (row, output) the same chain of tensor-core products, so that a row's bits do not depend on how many rows share
/// the step: columns lie in four parts of K (<see cref="PartOf"/>); within a part, runs of 32 columns ascend, within a run the three terms,
/// and of each term the columns whose number mod 8 is below 4 and then the others. The parts are added in order, the bias last. Which 16
/// columns meet in one instruction follows from 16-byte loads: lane t of a row has columns 8t to 8t + 7 of a run, and both operands number
/// them alike.
/// </remarks>
internal static class TensorProductKernels
{
    /// <summary>Rows up to which <see cref="Few"/> is used.</summary>
    public const int FewRows = 16;

    /// <summary>Outputs of a group of <see cref="Few"/>.</summary>
    public const int FewOutputs = 32;

    /// <summary>Rows of a tile of <see cref="Many"/>.</summary>
    public const int TileRows = 64;

    /// <summary>Outputs of a tile of <see cref="Many"/>.</summary>
    public const int TileOutputs = 64;

    /// <summary>Columns that are read at once.</summary>
    public const int Run = 1 << RunLog2;

    private const int RunLog2 = 5;
    private const int PartsLog2 = 2;
    private const int Parts = 1 << PartsLog2;

    // Of a stage of Many, in units of 16 bytes: 64 rows of W and three times 64 of x, 32 columns each.
    private const int StageOfW = TileOutputs * Run / 8;
    private const int Stage = StageOfW + (ActivationTerms.Count * TileRows * Run / 8);
    private const int Stages = 3;

    /// <summary>Columns of each of the four parts of K but the last, whole runs.</summary>
    public static int PartOf(int inputs) => (((inputs >> RunLog2) + Parts - 1) >> PartsLog2) << RunLog2;

    /// <summary>
    /// For few rows: bound by the bytes of W, which is read once for 16 rows. Groups: 32 outputs (x) times 16 rows (y). Each warp has a
    /// part of K and all outputs; while a run is multiplied the next one's weights are on their way. The parts meet in shared memory.
    /// </summary>
    [Kernel]
    public static void Few(ArrayView<float> x, ArrayView<ushort> weight, ArrayView<float> bias, ArrayView<float> y, ProductShape shape)
    {
        ArrayView<float> sums = SharedMemory.Allocate<float>(Parts * FewOutputs * FewRows);
        ArrayView<Words4> w = weight.Cast<Words4>();
        ArrayView<Floats4> inputs = x.Cast<Floats4>();
        int lane = Group.IdxX & 31;
        int warp = Group.IdxX >> 5;
        int group = lane >> 2;
        int firstOutput = Grid.IdxX * FewOutputs;
        int firstRow = Grid.IdxY * FewRows;
        long length = shape.Inputs >> 3;
        long w0 = (Within(firstOutput + group, shape.Outputs) * length) + (lane & 3);
        long w8 = (Within(firstOutput + group + 8, shape.Outputs) * length) + (lane & 3);
        long w16 = (Within(firstOutput + group + 16, shape.Outputs) * length) + (lane & 3);
        long w24 = (Within(firstOutput + group + 24, shape.Outputs) * length) + (lane & 3);
        long x0 = 2 * ((Within(firstRow + group, shape.Rows) * length) + (lane & 3));
        long x8 = 2 * ((Within(firstRow + group + 8, shape.Rows) * length) + (lane & 3));
        bool both = shape.Rows - firstRow > 8;

        int part = PartOf(shape.Inputs);
        int at = (warp * part) >> 3;
        int end = (warp + 1) * part < shape.Inputs ? ((warp + 1) * part) >> 3 : shape.Inputs >> 3;
        var rows0 = default(Sums32x8);
        var rows8 = default(Sums32x8);

        // All warps take as many steps, since a product is a matter of the whole group where it is emulated: behind the end they add zeros.
        int steps = part >> RunLog2;
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

        int place = (warp * FewOutputs * FewRows) + ((lane & 3) * 2 * FewOutputs) + group;
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
                Write(bias, y, shape, firstRow + i, output, total);
            }
        }
    }

    /// <summary>
    /// The terms of activations, for <see cref="Many"/>: x of <paramref name="units"/> times 8 elements → three planes of bfloat16, one
    /// behind the other. Groups: 1024 elements.
    /// </summary>
    [Kernel]
    public static void Split(ArrayView<float> x, ArrayView<ushort> planes, int units)
    {
        int unit = (Grid.IdxX * KernelLoader.GroupSize) + Group.IdxX;
        if (unit < units)
        {
            ArrayView<Floats4> from = x.Cast<Floats4>();
            ArrayView<Words4> to = planes.Cast<Words4>();
            var terms = new ActivationTerms(from[2L * unit], from[(2L * unit) + 1], true);
            to[unit] = terms.Take();
            to[(long)units + unit] = terms.Take();
            to[(2L * units) + unit] = terms.Take();
        }
    }

    /// <summary>
    /// For many rows, whose terms are made already. Groups: 64 outputs (x) times 64 rows (y), a warp for each quarter of them. Tiles of 32
    /// columns go through three stages of shared memory: two are on their way while one is multiplied. Lane (g, t) reads 16 bytes of row g,
    /// so that a warp's load is 512 bytes in a row.
    /// </summary>
    [Kernel]
    public static void Many(
        ArrayView<ushort> planes, ArrayView<ushort> weight, ArrayView<float> bias, ArrayView<float> y, ProductShape shape)
    {
        ArrayView<Words4> tiles = SharedMemory.Allocate<Words4>(Stages * Stage).AsAligned(16);
        int thread = Group.IdxX;
        int lane = thread & 31;
        int firstOutput = Grid.IdxX * TileOutputs;
        int firstRow = Grid.IdxY * TileRows;
        int length = shape.Inputs >> 3;
        var source = new TileSource(
            weight.Cast<Words4>(), planes.Cast<Words4>(),
            (Within(firstOutput + (thread >> 2), shape.Outputs) * length) + (thread & 3),
            (Within(firstOutput + (thread >> 2) + 32, shape.Outputs) * length) + (thread & 3),
            (Within(firstRow + (thread >> 2), shape.Rows) * length) + (thread & 3),
            (Within(firstRow + (thread >> 2) + 32, shape.Rows) * length) + (thread & 3),
            (long)shape.Rows * length);

        // A warp's 32 outputs and 32 rows.
        int left = ((thread >> 5) & 1) * (StageOfW / 2);
        int right = StageOfW + ((thread >> 6) * (TileRows * Run / 16));
        int steps = shape.Inputs >> RunLog2;
        int stepsOfPart = PartOf(shape.Inputs) >> RunLog2;
        int untilPart = stepsOfPart;
        Copy(tiles, 0, source, 0, steps);
        Copy(tiles, Stage, source, 1, steps);
        int stage = 0;
        int free = 2 * Stage;
        var total = default(Sums32x32);
        var sums = default(Sums32x32);
        for (int step = 0; step < steps; step++)
        {
            SharedTiles.Await(1);
            Group.Barrier();
            Copy(tiles, free, source, step + 2, steps);
            free = stage;
            int a = stage + left + lane;
            Words4 a0 = tiles[a];
            Words4 a8 = tiles[a + 32];
            Words4 a16 = tiles[a + 64];
            Words4 a24 = tiles[a + 96];
            Words4 evenUpper = Even(a0, a8);
            Words4 oddUpper = Odd(a0, a8);
            Words4 evenLower = Even(a16, a24);
            Words4 oddLower = Odd(a16, a24);
            int b = stage + right + lane;
            for (int term = 0; term < ActivationTerms.Count; term++)
            {
                Words4 b0 = tiles[b];
                Words4 b8 = tiles[b + 32];
                Words4 b16 = tiles[b + 64];
                Words4 b24 = tiles[b + 96];
                sums = WarpProduct.Multiply(
                    sums, evenUpper, evenLower, new Words2(b0.X, b0.Y), new Words2(b8.X, b8.Y), new Words2(b16.X, b16.Y),
                    new Words2(b24.X, b24.Y));
                sums = WarpProduct.Multiply(
                    sums, oddUpper, oddLower, new Words2(b0.Z, b0.W), new Words2(b8.Z, b8.W), new Words2(b16.Z, b16.W),
                    new Words2(b24.Z, b24.W));
                b += TileRows * Run / 8;
            }

            stage = stage + Stage < Stages * Stage ? stage + Stage : 0;
            untilPart--;
            if (untilPart == 0)
            {
                total.Add(sums);
                sums = default;
                untilPart = stepsOfPart;
            }
        }

        // What the last part added up to, or nothing.
        total.Add(sums);
        int row = firstRow + ((thread >> 6) * (TileRows / 2)) + ((lane & 3) * 2);
        int output = firstOutput + (((thread >> 5) & 1) * (TileOutputs / 2)) + (lane >> 2);
        Write(bias, y, shape, row, output, total.Rows0);
        Write(bias, y, shape, row + 8, output, total.Rows8);
        Write(bias, y, shape, row + 16, output, total.Rows16);
        Write(bias, y, shape, row + 24, output, total.Rows24);
    }

    /// <summary>Begins the copies of a step into a stage and closes their batch; there is a batch of none behind the last step.</summary>
    private static void Copy(ArrayView<Words4> tiles, int stage, TileSource source, int step, int steps)
    {
        if (step < steps)
        {
            int place = stage + Group.IdxX;
            long column = step << (RunLog2 - 3);
            SharedTiles.Copy(ref tiles[place], ref source.Weight[source.Weight0 + column]);
            SharedTiles.Copy(ref tiles[place + 128], ref source.Weight[source.Weight32 + column]);
            long row0 = source.Row0 + column;
            long row32 = source.Row32 + column;
            SharedTiles.Copy(ref tiles[place + 256], ref source.Planes[row0]);
            SharedTiles.Copy(ref tiles[place + 384], ref source.Planes[row32]);
            SharedTiles.Copy(ref tiles[place + 512], ref source.Planes[row0 + source.Plane]);
            SharedTiles.Copy(ref tiles[place + 640], ref source.Planes[row32 + source.Plane]);
            SharedTiles.Copy(ref tiles[place + 768], ref source.Planes[row0 + (2 * source.Plane)]);
            SharedTiles.Copy(ref tiles[place + 896], ref source.Planes[row32 + (2 * source.Plane)]);
        }

        SharedTiles.CloseBatch();
    }

    /// <summary>The columns of a run whose number mod 8 is below 4, as a fragment: rows g and g + 8.</summary>
    private static Words4 Even(Words4 row, Words4 row8) => new(row.X, row8.X, row.Y, row8.Y);

    /// <summary>The others.</summary>
    private static Words4 Odd(Words4 row, Words4 row8) => new(row.Z, row8.Z, row.W, row8.W);

    /// <summary>An index, or the last one there is.</summary>
    private static long Within(int index, int count) => index < count ? index : count - 1;

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

    private static void Write(ArrayView<float> bias, ArrayView<float> y, ProductShape shape, int row, int output, Sums32x8 tile)
    {
        Write(bias, y, shape, row, output, tile.Upper);
        Write(bias, y, shape, row, output + 16, tile.Lower);
    }

    private static void Write(ArrayView<float> bias, ArrayView<float> y, ProductShape shape, int row, int output, Floats4 sums)
    {
        WriteWithin(bias, y, shape, row, output, sums.X);
        WriteWithin(bias, y, shape, row + 1, output, sums.Y);
        WriteWithin(bias, y, shape, row, output + 8, sums.Z);
        WriteWithin(bias, y, shape, row + 1, output + 8, sums.W);
    }

    private static void WriteWithin(ArrayView<float> bias, ArrayView<float> y, ProductShape shape, int row, int output, float sum)
    {
        if (row < shape.Rows && output < shape.Outputs)
        {
            Write(bias, y, shape, row, output, sum);
        }
    }

    private static void Write(ArrayView<float> bias, ArrayView<float> y, ProductShape shape, int row, int output, float sum) =>
        y[((long)row * shape.Width) + shape.FirstColumn + output] = shape.HasBias == 1 ? sum + bias[output] : sum;
}

/// <summary>What a thread of <see cref="TensorProductKernels.Many"/> copies, in units of 16 bytes.</summary>
internal readonly struct TileSource(
    ArrayView<Words4> weight, ArrayView<Words4> planes, long weight0, long weight32, long row0, long row32, long plane)
{
    /// <summary>W.</summary>
    public readonly ArrayView<Words4> Weight = weight;

    /// <summary>The terms of x.</summary>
    public readonly ArrayView<Words4> Planes = planes;

    /// <summary>Its row of W.</summary>
    public readonly long Weight0 = weight0;

    /// <summary>The row of W 32 outputs further.</summary>
    public readonly long Weight32 = weight32;

    /// <summary>Its row of x.</summary>
    public readonly long Row0 = row0;

    /// <summary>The row of x 32 rows further.</summary>
    public readonly long Row32 = row32;

    /// <summary>From one plane to the next.</summary>
    public readonly long Plane = plane;
}
