using ILGPU;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>One product among those that share their input.</summary>
internal readonly struct ProductShape(
    int rows, int inputs, int outputs, int width, int firstColumn, int hasBias, SumLeaves leaves = default)
{
    /// <summary>Rows of x and y, T.</summary>
    public readonly int Rows = rows;

    /// <summary>Columns of x and W, K.</summary>
    public readonly int Inputs = inputs;

    /// <summary>Rows of W, N.</summary>
    public readonly int Outputs = outputs;

    /// <summary>Columns of y.</summary>
    public readonly int Width = width;

    /// <summary>Where the product begins in y.</summary>
    public readonly int FirstColumn = firstColumn;

    /// <summary>1 if a bias is added.</summary>
    public readonly int HasBias = hasBias;

    /// <summary>Where the leaves of the sums over the inputs end; nobody looks at them where there is one.</summary>
    public readonly SumLeaves Leaves = leaves;
}

/// <summary>Rows of one matrix, and where the matrix begins.</summary>
internal readonly struct ProductTile(int firstRow, int endRow, long weight, int bias)
{
    /// <summary>First row.</summary>
    public readonly int FirstRow = firstRow;

    /// <summary>End of the rows.</summary>
    public readonly int EndRow = endRow;

    /// <summary>The first word of the matrix.</summary>
    public readonly long Weight = weight;

    /// <summary>Its first bias.</summary>
    public readonly int Bias = bias;
}

/// <summary>Where a segment begins and where its leaf ends.</summary>
internal readonly struct LeafPlace(int begin, int end)
{
    /// <summary>The first input.</summary>
    public readonly int Begin = begin;

    /// <summary>The end of the leaf.</summary>
    public readonly int End = end;
}

/// <summary>
/// Dense products <c>y = x Wᵀ + b</c>: x [T, K] fp32, W [N, K] as stored, y [T, width]. Both kernels sum alike, so that a row's bits do not
/// depend on how many rows share the step: k in order within segments of 64, then the segments in order, then the bias. Where shards may
/// share the inputs, that is the order within a leaf, and leaves are added as a tree before the bias.
/// </summary>
internal static class ProductKernels
{
    /// <summary>Rows up to which <see cref="Few"/> is used.</summary>
    public const int FewRows = 8;

    /// <summary>Outputs of a group of <see cref="Few"/>.</summary>
    public const int FewOutputs = 1 << FewOutputsLog2;

    /// <summary>Rows of a tile of <see cref="Many"/>.</summary>
    public const int TileRows = 32;

    /// <summary>Outputs of a tile of <see cref="Many"/>.</summary>
    public const int TileOutputs = 64;

    // Divisions of a thread's number are written as shifts: ILGPU turns a division by a power of two into one whatever the sign.
    private const int FewOutputsLog2 = 3;
    private const int SegmentLog2 = 6;
    private const int Segment = 1 << SegmentLog2;
    private const int LanesLog2 = KernelLoader.GroupSizeLog2 - FewOutputsLog2;
    private const int Lanes = 1 << LanesLog2;
    private const int StepLog2 = 5;
    private const int Step = 1 << StepLog2;

    /// <summary>Elements from one line of a tile in shared memory to the next.</summary>
    public const int Pitch = Step + 1;

    /// <summary>
    /// For few rows: bound by the bytes of W. Groups: 8 outputs (x) times 4 rows (y). 16 threads share an output and take its segments in
    /// turn; the sums of 16 segments meet in shared memory, where one thread per row and output adds them in order.
    /// </summary>
    [Kernel(weights: true)]
    public static void Few<TStored, TFormat>(
        ArrayView<float> x, ArrayView<TStored> weight, ArrayView<float> bias, ArrayView<float> y, ProductShape shape)
        where TStored : unmanaged
        where TFormat : struct, IStoredFormat<TStored>
    {
        ArrayView<float> sums = SharedMemory.Allocate<float>(4 * KernelLoader.GroupSize);
        FewRowsOf<TStored, TFormat, OneLeaf>(x, weight, bias, y, shape, new ProductTile(Grid.IdxY * 4, shape.Rows, 0, 0), sums);
    }

    /// <summary>The same with leaves: threads take the segments of all leaves in turn, and those that add them build the tree.</summary>
    [Kernel(weights: true)]
    public static void FewOfLeaves<TStored, TFormat>(
        ArrayView<float> x, ArrayView<TStored> weight, ArrayView<float> bias, ArrayView<float> y, ProductShape shape)
        where TStored : unmanaged
        where TFormat : struct, IStoredFormat<TStored>
    {
        ArrayView<float> sums = SharedMemory.Allocate<float>(4 * KernelLoader.GroupSize);
        FewRowsOf<TStored, TFormat, LeafTree>(x, weight, bias, y, shape, new ProductTile(Grid.IdxY * 4, shape.Rows, 0, 0), sums);
    }

    /// <summary>What a group of <see cref="Few"/> does: 4 rows of a tile and 8 outputs.</summary>
    public static void FewRowsOf<TStored, TFormat, TOrder>(
        ArrayView<float> x, ArrayView<TStored> weight, ArrayView<float> bias, ArrayView<float> y, ProductShape shape, ProductTile tile,
        ArrayView<float> sums)
        where TStored : unmanaged
        where TFormat : struct, IStoredFormat<TStored>
        where TOrder : struct, ISumOrder
    {
        int thread = Group.IdxX;
        int lane = thread & (Lanes - 1);
        int output = (Grid.IdxX * FewOutputs) + (thread >> LanesLog2);
        int firstRow = tile.FirstRow;
        int lastRow = tile.EndRow - 1;
        long x0 = (long)(firstRow < lastRow ? firstRow : lastRow) * shape.Inputs;
        long x1 = (long)(firstRow + 1 < lastRow ? firstRow + 1 : lastRow) * shape.Inputs;
        long x2 = (long)(firstRow + 2 < lastRow ? firstRow + 2 : lastRow) * shape.Inputs;
        long x3 = (long)(firstRow + 3 < lastRow ? firstRow + 3 : lastRow) * shape.Inputs;
        long w = tile.Weight + ((long)(output < shape.Outputs ? output : shape.Outputs - 1) * TFormat.RowWords(shape.Inputs));
        int segments = (shape.Inputs + Segment - 1) >> SegmentLog2;
        if (TOrder.IsTree)
        {
            segments = SegmentsOf(shape.Leaves);
        }

        // Threads 0 to 31 add what the segments gave: row thread / 8 of four, output thread % 8.
        int totalOutput = (Grid.IdxX * FewOutputs) + (thread & (FewOutputs - 1));
        int totalRow = firstRow + (thread >> FewOutputsLog2);
        float sum = 0;
        float total = 0;
        int leaf = 0;
        int left = 0;
        var tree = default(NumberTree);
        if (TOrder.IsTree)
        {
            left = SegmentsOf(0, shape.Leaves.End(0));
        }

        for (int firstSegment = 0; firstSegment < segments; firstSegment += Lanes)
        {
            int begin = (firstSegment + lane) << SegmentLog2;
            int limit = shape.Inputs;
            if (TOrder.IsTree)
            {
                LeafPlace place = PlaceOf(shape.Leaves, firstSegment + lane);
                begin = place.Begin;
                limit = place.End;
            }

            int end = begin + Segment < limit ? begin + Segment : limit;
            float a0 = 0;
            float a1 = 0;
            float a2 = 0;
            float a3 = 0;
            for (int k = begin; k < end; k++)
            {
                float b = TFormat.Load(weight, w, k, shape.Inputs);
                a0 += b * x[x0 + k];
                a1 += b * x[x1 + k];
                a2 += b * x[x2 + k];
                a3 += b * x[x3 + k];
            }

            sums[thread] = a0;
            sums[thread + KernelLoader.GroupSize] = a1;
            sums[thread + (2 * KernelLoader.GroupSize)] = a2;
            sums[thread + (3 * KernelLoader.GroupSize)] = a3;
            Group.Barrier();
            if (thread < 4 * FewOutputs)
            {
                int first = ((thread >> FewOutputsLog2) * KernelLoader.GroupSize) + ((thread & (FewOutputs - 1)) * Lanes);
                int count = segments - firstSegment < Lanes ? segments - firstSegment : Lanes;
                for (int i = 0; i < count; i++)
                {
                    total += sums[first + i];
                    if (TOrder.IsTree)
                    {
                        left--;
                        if (left == 0)
                        {
                            sum = tree.Add(leaf, total);
                            total = 0;
                            leaf++;
                            left = SegmentsOf(shape.Leaves.End(leaf - 1), shape.Leaves.End(leaf));
                        }
                    }
                }
            }

            Group.Barrier();
        }

        if (!TOrder.IsTree)
        {
            sum = total;
        }

        if (thread < 4 * FewOutputs && totalRow < tile.EndRow && totalOutput < shape.Outputs)
        {
            WriteOne(bias, y, shape, tile, totalRow, totalOutput, sum);
        }
    }

    /// <summary>
    /// For many rows: groups of 32 rows (y) times 64 outputs (x). x and W pass through shared memory 32 columns at a time; a thread has 4
    /// rows times 4 outputs in registers, every 8th row and every 16th output.
    /// </summary>
    [Kernel(weights: true, residentPacked: 1)]
    public static void Many<TStored, TFormat>(
        ArrayView<float> x, ArrayView<TStored> weight, ArrayView<float> bias, ArrayView<float> y, ProductShape shape)
        where TStored : unmanaged
        where TFormat : struct, IStoredFormat<TStored>
    {
        ArrayView<float> xs = SharedMemory.Allocate<float>(TileRows * Pitch);
        ArrayView<float> ws = SharedMemory.Allocate<float>(TileOutputs * Pitch);
        ManyRowsOf<TStored, TFormat, OneLeaf>(x, weight, bias, y, shape, new ProductTile(Grid.IdxY * TileRows, shape.Rows, 0, 0), xs, ws);
    }

    /// <summary>The same with leaves, whose sums a thread keeps until their neighbours are there.</summary>
    [Kernel(weights: true)]
    public static void ManyOfLeaves<TStored, TFormat>(
        ArrayView<float> x, ArrayView<TStored> weight, ArrayView<float> bias, ArrayView<float> y, ProductShape shape)
        where TStored : unmanaged
        where TFormat : struct, IStoredFormat<TStored>
    {
        ArrayView<float> xs = SharedMemory.Allocate<float>(TileRows * Pitch);
        ArrayView<float> ws = SharedMemory.Allocate<float>(TileOutputs * Pitch);
        ManyRowsOf<TStored, TFormat, LeafTree>(
            x, weight, bias, y, shape, new ProductTile(Grid.IdxY * TileRows, shape.Rows, 0, 0), xs, ws);
    }

    /// <summary>What a group of <see cref="Many"/> does: 32 rows of a tile and 64 outputs.</summary>
    public static void ManyRowsOf<TStored, TFormat, TOrder>(
        ArrayView<float> x, ArrayView<TStored> weight, ArrayView<float> bias, ArrayView<float> y, ProductShape shape, ProductTile tile,
        ArrayView<float> xs, ArrayView<float> ws)
        where TStored : unmanaged
        where TFormat : struct, IStoredFormat<TStored>
        where TOrder : struct, ISumOrder
    {
        int thread = Group.IdxX;
        int firstRow = tile.FirstRow;
        int firstOutput = Grid.IdxX * TileOutputs;
        int column = thread & (Step - 1);
        int line = thread >> StepLog2;
        int xBegin = (thread >> 4) * Pitch;
        int wBegin = (thread & 15) * Pitch;
        var total = default(Tile16);
        var sum = default(Tile16);
        var tree = default(TileTree);
        int leaf = 0;
        int inLeaf = 0;
        int limit = shape.Inputs;
        if (TOrder.IsTree)
        {
            limit = shape.Leaves.End(0);
        }

        for (int first = 0; first < shape.Inputs;)
        {
            int k = first + column;
            for (int i = line; i < TileRows; i += 4)
            {
                float value = 0;
                if (firstRow + i < tile.EndRow && k < limit)
                {
                    value = x[((long)(firstRow + i) * shape.Inputs) + k];
                }

                xs[(i * Pitch) + column] = value;
            }

            for (int i = line; i < TileOutputs; i += 4)
            {
                float value = 0;
                if (firstOutput + i < shape.Outputs && k < limit)
                {
                    value = TFormat.Load(
                        weight, tile.Weight + ((long)(firstOutput + i) * TFormat.RowWords(shape.Inputs)), k, shape.Inputs);
                }

                ws[(i * Pitch) + column] = value;
            }

            Group.Barrier();
            int steps = limit - first < Step ? limit - first : Step;
            for (int j = 0; j < steps; j++)
            {
                sum.Multiply(
                    xs[xBegin + j], xs[xBegin + j + (8 * Pitch)], xs[xBegin + j + (16 * Pitch)], xs[xBegin + j + (24 * Pitch)],
                    ws[wBegin + j], ws[wBegin + j + (16 * Pitch)], ws[wBegin + j + (32 * Pitch)], ws[wBegin + j + (48 * Pitch)]);
            }

            Group.Barrier();
            first += steps;
            inLeaf += steps;
            if ((inLeaf & (Segment - 1)) == 0 || first == limit)
            {
                total.Add(sum);
                sum = default;
            }

            if (TOrder.IsTree && first == limit)
            {
                total = tree.Add(leaf, total);
                leaf++;
                inLeaf = 0;
                limit = shape.Leaves.End(leaf);
                if (first < shape.Inputs)
                {
                    total = default;
                }
            }
        }

        int row = firstRow + (thread >> 4);
        int output = firstOutput + (thread & 15);
        Write(bias, y, shape, tile, row, output, total.A0, total.A1, total.A2, total.A3);
        Write(bias, y, shape, tile, row + 8, output, total.B0, total.B1, total.B2, total.B3);
        Write(bias, y, shape, tile, row + 16, output, total.C0, total.C1, total.C2, total.C3);
        Write(bias, y, shape, tile, row + 24, output, total.D0, total.D1, total.D2, total.D3);
    }

    private static int SegmentsOf(int begin, int end) => (end - begin + Segment - 1) >> SegmentLog2;

    private static int SegmentsOf(SumLeaves leaves)
    {
        int segments = 0;
        int begin = 0;
        for (int leaf = 0; leaf < leaves.Count; leaf++)
        {
            int end = leaves.End(leaf);
            segments += SegmentsOf(begin, end);
            begin = end;
        }

        return segments;
    }

    /// <summary>Where a segment begins, counted through all leaves, and where its leaf ends; nothing behind the last one.</summary>
    private static LeafPlace PlaceOf(SumLeaves leaves, int segment)
    {
        int begin = 0;
        for (int leaf = 0; leaf < leaves.Count; leaf++)
        {
            int end = leaves.End(leaf);
            int segments = SegmentsOf(begin, end);
            if (segment < segments)
            {
                return new LeafPlace(begin + (segment << SegmentLog2), end);
            }

            segment -= segments;
            begin = end;
        }

        return new LeafPlace(begin, begin);
    }

    private static void Write(
        ArrayView<float> bias, ArrayView<float> y, ProductShape shape, ProductTile tile, int row, int output, float s0, float s1, float s2,
        float s3)
    {
        if (row < tile.EndRow)
        {
            WriteOne(bias, y, shape, tile, row, output, s0);
            WriteOne(bias, y, shape, tile, row, output + 16, s1);
            WriteOne(bias, y, shape, tile, row, output + 32, s2);
            WriteOne(bias, y, shape, tile, row, output + 48, s3);
        }
    }

    private static void WriteOne(
        ArrayView<float> bias, ArrayView<float> y, ProductShape shape, ProductTile tile, int row, int output, float sum)
    {
        if (output < shape.Outputs)
        {
            y[((long)row * shape.Width) + shape.FirstColumn + output] = shape.HasBias == 1 ? sum + bias[tile.Bias + output] : sum;
        }
    }
}

/// <summary>Sums of 4 rows (A to D) times 4 outputs, each in its own register: ILGPU does not unroll loops over arrays.</summary>
internal struct Tile16
{
    public float A0;
    public float A1;
    public float A2;
    public float A3;
    public float B0;
    public float B1;
    public float B2;
    public float B3;
    public float C0;
    public float C1;
    public float C2;
    public float C3;
    public float D0;
    public float D1;
    public float D2;
    public float D3;

    /// <summary>Adds the products of four elements of x (a to d) and four of W.</summary>
    public void Multiply(float a, float b, float c, float d, float w0, float w1, float w2, float w3)
    {
        A0 += w0 * a;
        A1 += w1 * a;
        A2 += w2 * a;
        A3 += w3 * a;
        B0 += w0 * b;
        B1 += w1 * b;
        B2 += w2 * b;
        B3 += w3 * b;
        C0 += w0 * c;
        C1 += w1 * c;
        C2 += w2 * c;
        C3 += w3 * c;
        D0 += w0 * d;
        D1 += w1 * d;
        D2 += w2 * d;
        D3 += w3 * d;
    }

    /// <summary>Adds another tile.</summary>
    public void Add(Tile16 other)
    {
        A0 += other.A0;
        A1 += other.A1;
        A2 += other.A2;
        A3 += other.A3;
        B0 += other.B0;
        B1 += other.B1;
        B2 += other.B2;
        B3 += other.B3;
        C0 += other.C0;
        C1 += other.C1;
        C2 += other.C2;
        C3 += other.C3;
        D0 += other.D0;
        D1 += other.D1;
        D2 += other.D2;
        D3 += other.D3;
    }
}
