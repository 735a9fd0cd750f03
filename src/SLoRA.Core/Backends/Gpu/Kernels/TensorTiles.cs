using ILGPU;
using ILGPU.Runtime;
using SLoRA.Backends.Gpu.Intrinsics;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>How large the tile of a group is, and how many stages of it go through shared memory; a type parameter of kernels.</summary>
internal interface ITensorTile
{
    /// <summary>Whether each of the four warps has 64 outputs and 64 rows, or 32 of each.</summary>
    static abstract bool IsLarge { get; }

    /// <summary>Stages of shared memory.</summary>
    static abstract int Stages { get; }

    /// <summary>Waits for the oldest stage that is under way.</summary>
    static abstract void Await();
}

/// <summary>64 outputs and 64 rows, four stages.</summary>
internal readonly struct SmallTile : ITensorTile
{
    /// <summary>2 to this are its outputs, and its rows.</summary>
    public const int OutputsLog2 = 6;

    public static bool IsLarge => false;

    public static int Stages => 4;

    public static void Await() => SharedTiles.Await(2);
}

/// <summary>128 outputs and 128 rows, two stages.</summary>
internal readonly struct LargeTile : ITensorTile
{
    /// <summary>2 to this are its outputs, and its rows.</summary>
    public const int OutputsLog2 = 7;

    public static bool IsLarge => true;

    public static int Stages => 2;

    public static void Await() => SharedTiles.Await(0);
}

/// <summary>A lane's 16 bytes of rows g, g + 8, g + 16 and g + 24 of W: columns 8t to 8t + 7 of a run.</summary>
internal struct WeightRows
{
    public Words4 Row0;
    public Words4 Row8;
    public Words4 Row16;
    public Words4 Row24;
}

/// <summary>
/// The products of a tile of outputs with a tile of rows: runs of 32 columns go through stages of shared memory, W as it is stored and x as
/// fp32, whose terms each lane makes of what it has read. A warp has a quarter of the tile. At the end of each quarter of K the sums go to
/// y, and the next quarter's are added there.
/// </summary>
/// <remarks>
/// Here W is the right side of the instruction, since a lane's 16 bytes of it are two fragments of that side as they are; those of x are
/// made anyway. A stage: rows of W of four units of 16 bytes, then rows of x of eight. A warp's load of W is 512 bytes in a row. Of x a
/// lane reads units 2t and 2t + 1 of row g; in odd rows neighbours have changed places, so that eight lanes meet eight different units mod
/// 8: all banks.
/// </remarks>
internal static class TensorTiles
{
    // 48 KiB in units of 16 bytes.
    private const int Shared = 3072;

    /// <summary><c>y = x Wᵀ + b</c> for the block-th tile of outputs and the rows of the grid's y.</summary>
    public static void Multiply<TTile>(
        ArrayView<float> x, ArrayView<ushort> weight, ArrayView<float> bias, ArrayView<float> y, ProductShape shape, int block)
        where TTile : struct, ITensorTile
    {
        ArrayView<Words4> tiles = SharedMemory.Allocate<Words4>(Shared).AsAligned(16);
        ArrayView<Words4> w = weight.Cast<Words4>();
        ArrayView<Words4> inputs = x.Cast<Words4>();
        int size = TTile.IsLarge ? 128 : 64;
        int stageSize = size * 12;
        int thread = Group.IdxX;
        int lane = thread & 31;
        int firstOutput = block * size;
        int firstRow = Grid.IdxY * size;

        // A warp's half of the outputs and half of the rows.
        int warpOutput = ((thread >> 5) & 1) * (size >> 1);
        int warpRow = (thread >> 6) * (size >> 1);
        int outputs = (warpOutput << 2) + lane;
        int rows = (size << 2) + ((warpRow + (lane >> 2)) << 3) + (((lane & 3) << 1) ^ ((lane >> 2) & 1));
        int steps = shape.Inputs >> TensorProductKernels.RunLog2;
        int stepsOfQuarter = TensorProductKernels.ShareOf(shape.Inputs) >> TensorProductKernels.RunLog2;
        int free = 0;
        for (int step = 0; step < TTile.Stages - 1; step++)
        {
            Copy<TTile>(tiles, free, w, inputs, shape, firstOutput, firstRow, step, steps);
            free += stageSize;
        }

        int stage = 0;
        int next = 0;
        var rows0 = default(Sums16x64);
        var rows16 = default(Sums16x64);
        var rows32 = default(Sums16x64);
        var rows48 = default(Sums16x64);
        while (next < steps)
        {
            int isFirst = next == 0 ? 1 : 0;
            int end = next + stepsOfQuarter < steps ? next + stepsOfQuarter : steps;
            for (; next < end; next++)
            {
                TTile.Await();
                Group.Barrier();
                Copy<TTile>(tiles, free, w, inputs, shape, firstOutput, firstRow, next + TTile.Stages - 1, steps);
                free = stage;
                WeightRows near = Read(tiles, stage + outputs);
                var far = default(WeightRows);
                if (TTile.IsLarge)
                {
                    far = Read(tiles, stage + outputs + 128);
                }

                rows0 = Add<TTile>(rows0, near, far, tiles, stage + rows);
                rows16 = Add<TTile>(rows16, near, far, tiles, stage + rows + 128);
                if (TTile.IsLarge)
                {
                    rows32 = Add<TTile>(rows32, near, far, tiles, stage + rows + 256);
                    rows48 = Add<TTile>(rows48, near, far, tiles, stage + rows + 384);
                }

                stage = stage + stageSize < TTile.Stages * stageSize ? stage + stageSize : 0;
            }

            int isLast = next == steps ? 1 : 0;
            var turn = new QuarterTurn(isFirst, isLast & shape.HasBias);
            int row = LoopRegisters.Again(firstRow + warpRow + (lane >> 2));
            int output = LoopRegisters.Again(firstOutput + warpOutput + ((lane & 3) << 1));
            rows0 = Flush<TTile>(bias, y, shape, turn, row, output, rows0);
            rows16 = Flush<TTile>(bias, y, shape, turn, row + 16, output, rows16);
            if (TTile.IsLarge)
            {
                rows32 = Flush<TTile>(bias, y, shape, turn, row + 32, output, rows32);
                rows48 = Flush<TTile>(bias, y, shape, turn, row + 48, output, rows48);
            }
        }
    }

    /// <summary>Begins the copies of a step into a stage and closes their batch; there is a batch of none behind the last step.</summary>
    private static void Copy<TTile>(
        ArrayView<Words4> tiles, int stage, ArrayView<Words4> w, ArrayView<Words4> x, ProductShape shape, int firstOutput, int firstRow,
        int step, int steps)
        where TTile : struct, ITensorTile
    {
        if (step < steps)
        {
            int thread = Group.IdxX;
            int size = TTile.IsLarge ? 128 : 64;
            int output = firstOutput + (thread >> 2);
            int row = firstRow + (thread >> 3);
            int place = stage + thread;
            int column = (step << (TensorProductKernels.RunLog2 - 3)) + (thread & 3);
            int columns = shape.Inputs >> 3;
            CopyRow(tiles, place, w, output, shape.Outputs, columns, column);
            CopyRow(tiles, place + 128, w, output + 32, shape.Outputs, columns, column);
            if (TTile.IsLarge)
            {
                CopyRow(tiles, place + 256, w, output + 64, shape.Outputs, columns, column);
                CopyRow(tiles, place + 384, w, output + 96, shape.Outputs, columns, column);
            }

            place = stage + (size << 2) + ((thread & 0x78) | ((thread & 7) ^ ((thread >> 3) & 1)));
            column = (step << (TensorProductKernels.RunLog2 - 2)) + (thread & 7);
            columns = shape.Inputs >> 2;
            CopyRow(tiles, place, x, row, shape.Rows, columns, column);
            CopyRow(tiles, place + 128, x, row + 16, shape.Rows, columns, column);
            CopyRow(tiles, place + 256, x, row + 32, shape.Rows, columns, column);
            CopyRow(tiles, place + 384, x, row + 48, shape.Rows, columns, column);
            if (TTile.IsLarge)
            {
                CopyRow(tiles, place + 512, x, row + 64, shape.Rows, columns, column);
                CopyRow(tiles, place + 640, x, row + 80, shape.Rows, columns, column);
                CopyRow(tiles, place + 768, x, row + 96, shape.Rows, columns, column);
                CopyRow(tiles, place + 896, x, row + 112, shape.Rows, columns, column);
            }
        }

        SharedTiles.CloseBatch();
    }

    private static void CopyRow(
        ArrayView<Words4> tiles, int place, ArrayView<Words4> source, int row, int rows, int columns, int column) =>
        SharedTiles.Copy(ref tiles[place], ref source[(TensorProductKernels.Within(row, rows) * columns) + column]);

    private static WeightRows Read(ArrayView<Words4> tiles, int place)
    {
        WeightRows rows;
        rows.Row0 = tiles[place];
        rows.Row8 = tiles[place + 32];
        rows.Row16 = tiles[place + 64];
        rows.Row24 = tiles[place + 96];
        return rows;
    }

    /// <summary>Adds the products of sixteen rows of x with what a lane has of W.</summary>
    private static Sums16x64 Add<TTile>(Sums16x64 sums, WeightRows near, WeightRows far, ArrayView<Words4> tiles, int place)
        where TTile : struct, ITensorTile
    {
        var terms = new ActivationTerms(Floats(tiles[place]), Floats(tiles[place ^ 1]), true);
        var terms8 = new ActivationTerms(Floats(tiles[place + 64]), Floats(tiles[(place + 64) ^ 1]), true);
        for (int term = 0; term < ActivationTerms.Count; term++)
        {
            Words4 row = terms.Take();
            Words4 row8 = terms8.Take();
            Words4 even = TensorProductKernels.Even(row, row8);
            Words4 odd = TensorProductKernels.Odd(row, row8);
            sums.Columns0 = Add(sums.Columns0, even, odd, near.Row0, near.Row8);
            sums.Columns16 = Add(sums.Columns16, even, odd, near.Row16, near.Row24);
            if (TTile.IsLarge)
            {
                sums.Columns32 = Add(sums.Columns32, even, odd, far.Row0, far.Row8);
                sums.Columns48 = Add(sums.Columns48, even, odd, far.Row16, far.Row24);
            }
        }

        return sums;
    }

    private static Sums16x16 Add(Sums16x16 sums, Words4 even, Words4 odd, Words4 w, Words4 w8)
    {
        sums = WarpProduct.Multiply(sums, even, new Words2(w.X, w.Y), new Words2(w8.X, w8.Y));
        return WarpProduct.Multiply(sums, odd, new Words2(w.Z, w.W), new Words2(w8.Z, w8.W));
    }

    private static Floats4 Floats(Words4 words)
    {
        Floats4 floats;
        floats.X = Interop.IntAsFloat(words.X);
        floats.Y = Interop.IntAsFloat(words.Y);
        floats.Z = Interop.IntAsFloat(words.Z);
        floats.W = Interop.IntAsFloat(words.W);
        return floats;
    }

    /// <summary>Writes the sums of a quarter of K, or adds them to what is there; zeros for the next.</summary>
    private static Sums16x64 Flush<TTile>(
        ArrayView<float> bias, ArrayView<float> y, ProductShape shape, QuarterTurn turn, int row, int output, Sums16x64 sums)
        where TTile : struct, ITensorTile
    {
        Sums16x16 sums0 = sums.Columns0;
        Sums16x16 sums16 = sums.Columns16;
        Sums16x16 sums32 = sums.Columns32;
        Sums16x16 sums48 = sums.Columns48;
        if (row < shape.Rows)
        {
            ArrayView<float> to = y.SubView(((long)row * shape.Width) + shape.FirstColumn + output);
            Write(bias, to, shape.Outputs, turn, output, 0, sums0.Left.X, sums0.Left.Y, sums0.Right.X, sums0.Right.Y);
            Write(bias, to, shape.Outputs, turn, output, 16, sums16.Left.X, sums16.Left.Y, sums16.Right.X, sums16.Right.Y);
            if (TTile.IsLarge)
            {
                Write(bias, to, shape.Outputs, turn, output, 32, sums32.Left.X, sums32.Left.Y, sums32.Right.X, sums32.Right.Y);
                Write(bias, to, shape.Outputs, turn, output, 48, sums48.Left.X, sums48.Left.Y, sums48.Right.X, sums48.Right.Y);
            }
        }

        if (row + 8 < shape.Rows)
        {
            ArrayView<float> to = y.SubView(((long)(row + 8) * shape.Width) + shape.FirstColumn + output);
            Write(bias, to, shape.Outputs, turn, output, 0, sums0.Left.Z, sums0.Left.W, sums0.Right.Z, sums0.Right.W);
            Write(bias, to, shape.Outputs, turn, output, 16, sums16.Left.Z, sums16.Left.W, sums16.Right.Z, sums16.Right.W);
            if (TTile.IsLarge)
            {
                Write(bias, to, shape.Outputs, turn, output, 32, sums32.Left.Z, sums32.Left.W, sums32.Right.Z, sums32.Right.W);
                Write(bias, to, shape.Outputs, turn, output, 48, sums48.Left.Z, sums48.Left.W, sums48.Right.Z, sums48.Right.W);
            }
        }

        return default;
    }

    /// <summary>Outputs n, n + 1, n + 8 and n + 9 of a row, those that are there.</summary>
    private static void Write(
        ArrayView<float> bias, ArrayView<float> y, int outputs, QuarterTurn turn, int output, int further, float sum0, float sum1,
        float sum8, float sum9)
    {
        Write(bias, y, outputs, turn, output, further, sum0);
        Write(bias, y, outputs, turn, output, further + 1, sum1);
        Write(bias, y, outputs, turn, output, further + 8, sum8);
        Write(bias, y, outputs, turn, output, further + 9, sum9);
    }

    private static void Write(
        ArrayView<float> bias, ArrayView<float> y, int outputs, QuarterTurn turn, int output, int further, float sum)
    {
        if (output + further < outputs)
        {
            float total = sum;
            if (turn.IsFirst == 0)
            {
                total += y[further];
            }

            if (turn.AddsBias == 1)
            {
                total += bias[output + further];
            }

            y[further] = total;
        }
    }
}

/// <summary>Which quarter of K ends.</summary>
internal readonly struct QuarterTurn(int isFirst, int addsBias)
{
    /// <summary>1 if nothing was written before.</summary>
    public readonly int IsFirst = isFirst;

    /// <summary>1 if it is the last one, and there is a bias.</summary>
    public readonly int AddsBias = addsBias;
}
