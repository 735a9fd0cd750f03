namespace SLoRA.Gpu.Bench.Roofline;

/// <summary>
/// Launches of the kernels by their shapes. Instructions of loops are those of the machine code for sm_90 (<c>nvdisasm</c>), bytes those
/// that the loops load; what stands outside of loops is left out.
/// </summary>
internal static class KernelModels
{
    /// <summary>Tensor-core multiply-adds of one <c>mma.m16n8k16</c>.</summary>
    private const int Mma = 16 * 8 * 16;

    /// <summary>Instructions of <c>ShrinkOnTensorCores</c> for eight runs of 32 columns, eight rank rows and up to eight rows.</summary>
    private const int ShrinkInstructions = 808;

    /// <summary>
    /// Instructions of <c>ExpandOnTensorCores</c> for 16 rank rows, 64 columns and up to 16 rows, about, with what it adds to.
    /// </summary>
    private const int ExpandInstructions = 400;

    /// <summary>Instructions of attention on tensor cores, bfloat16: products of 16 queries with 32 columns of 64 keys.</summary>
    private const int ScoreInstructions = 252;

    /// <summary>Weighted values of 64 positions and 64 columns, with their merge.</summary>
    private const int ValueInstructions = 1207;

    /// <summary>What else a block of 64 positions takes, about: where its pages are, weights, sums.</summary>
    private const int BlockInstructions = 1500;

    /// <summary>Tensor-core instructions for 64 keys and 32 columns, or 64 positions and 64 columns.</summary>
    private const int ScoreProducts = 48;
    private const int ValueProducts = 96;

    /// <summary><c>TensorProductKernels.Few</c>: up to 16 rows of K columns, N outputs.</summary>
    public static LaunchModel TensorFew(int rows, int inputs, int outputs)
    {
        long groups = Divide(outputs, 32);
        int tiles = Divide(Math.Min(rows, 16), 8);
        double runs = inputs / 32.0 * groups;
        double weights = 2.0 * inputs * outputs;
        double activations = 4.0 * inputs;
        return new LaunchModel(
            "TensorProductKernels.Few", groups, 104, 8192, weights + (rows * (activations + (4.0 * outputs))),
            weights + (groups * 8 * tiles * activations), runs * 2 * 2 * 3 * tiles * Mma, runs * (110 + (3 * (tiles == 1 ? 34 : 56))),
            4 * 32 * 64 * 2);
    }

    /// <summary><c>PackedProductKernels.Multiply</c>, one of its versions for each kind of scales.</summary>
    public static LaunchModel Packed(string format, int rows, int inputs, int outputs) => format switch
    {
        "Q4_0" => Packed(format, 128, 4.5, 238, 97, 8192, rows, inputs, outputs),
        "Q4_K" => Packed(format, 159, 4.75, 285, 110, 8192, rows, inputs, outputs),
        "Q6_K" => Packed(format, 160, 6.75, 342, 96, 12288, rows, inputs, outputs),
        "Q8_0" => Packed(format, 163, 8.5, 293, 88, 16384, rows, inputs, outputs),
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "No model of this format."),
    };

    /// <summary>A warp's run of 32 columns and 32 outputs: instructions with up to eight rows, and those of eight more.</summary>
    private static LaunchModel Packed(
        string format, int registers, double bits, int instructions, int forMore, int underWay, int rows, int inputs, int outputs)
    {
        int blocks = Divide(rows, 16);
        int tiles = Divide(Math.Min(rows, 16), 8);
        long groups = (long)Divide(outputs, 32) * blocks;
        double runs = inputs / 32.0 * groups;
        double weights = bits / 8 * inputs * outputs;
        double activations = 4.0 * inputs;
        return new LaunchModel(
            $"PackedProductKernels.Multiply of {format}", groups, registers, 8192, weights + (rows * (activations + (4.0 * outputs))),
            (weights * blocks) + (groups * 8 * tiles * activations), runs * 2 * 2 * 3 * tiles * Mma,
            runs * (instructions + ((tiles - 1) * forMore)), underWay);
    }

    /// <summary><c>TensorProductKernels.Several</c>: tiles of 64 outputs and 64 rows.</summary>
    public static LaunchModel TensorSeveral(int rows, int inputs, int outputs) =>
        TensorTiles("TensorProductKernels.Several", 64, 124, 48, 393, 36864, rows, inputs, outputs);

    /// <summary><c>TensorProductKernels.Many</c>: tiles of 128 outputs and 128 rows.</summary>
    public static LaunchModel TensorMany(int rows, int inputs, int outputs) =>
        TensorTiles("TensorProductKernels.Many", 128, 245, 192, 864, 24576, rows, inputs, outputs);

    /// <summary>Runs of 32 columns of W and of fp32 x; sums are written four times and read three.</summary>
    private static LaunchModel TensorTiles(
        string kernel, int size, int registers, int products, int instructions, int underWay, int rows, int inputs, int outputs)
    {
        long groups = (long)Divide(outputs, size) * Divide(rows, size);
        double steps = inputs / 32.0 * groups;
        double sums = 4.0 * rows * outputs;
        return new LaunchModel(
            kernel, groups, registers, 49152, (2.0 * inputs * outputs) + (4.0 * rows * inputs) + sums, (steps * size * 192) + (7 * sums),
            steps * 4 * products * Mma, steps * 4 * instructions, underWay);
    }

    /// <summary><c>ProductKernels.Few</c> with 16-bit weights, which are read again for every four rows.</summary>
    public static LaunchModel PlainFew(int rows, int inputs, int outputs)
    {
        int tiles = Divide(rows, 4);
        long groups = (long)Divide(outputs, 8) * tiles;
        double weights = 2.0 * inputs * outputs * tiles;
        return new LaunchModel(
            "ProductKernels.Few of StoredBf16", groups, 32, 2048, weights, weights * 2, 0, groups * 4 * (inputs / 64.0) * 153, 128 * 4 * 2);
    }

    /// <summary><c>ProductKernels.Many</c> with 16-bit weights.</summary>
    public static LaunchModel PlainMany(int rows, int inputs, int outputs)
    {
        long groups = (long)Divide(outputs, 64) * Divide(rows, 32);
        double steps = inputs / 32.0 * groups;
        return new LaunchModel(
            "ProductKernels.Many of StoredBf16", groups, 56, 12672,
            (2.0 * inputs * outputs) + (rows * 4.0 * (inputs + outputs)), steps * (4096 + 4096), 0, steps * 4 * ((32 * 43) + 160), 2048);
    }

    /// <summary><c>AttentionKernels.Attend</c>: a group per row, head and 256 positions, each element of the cache loaded alone.</summary>
    public static LaunchModel Attend(int rows, int heads, int headDim, int context)
    {
        long groups = (long)rows * heads * Divide(context, 256);
        double bytes = 4.0 * rows * heads * headDim * context;
        return new LaunchModel(
            "AttentionKernels.Attend of StoredBf16", groups, 40, 5632, bytes, bytes, 0,
            groups * 4 * ((2 * (headDim / 4.0) * 47) + (64 * 115)), 128 * 4 * 2);
    }

    /// <summary>
    /// <c>TensorAttentionKernels.Split</c>: a group per row, key head, up to 16 of its query heads, and 256 positions. Partial results are
    /// written, and read by the merge.
    /// </summary>
    public static LaunchModel AttendSplit(int rows, int heads, int keyHeads, int headDim, int context)
    {
        long groups = (long)rows * keyHeads * Divide(heads / keyHeads, 16) * Divide(context, 256);
        double bytes = 4.0 * rows * keyHeads * headDim * context;
        double partial = 8.0 * rows * heads * Divide(context, 256) * (headDim + 2);
        return new LaunchModel(
            "TensorAttentionKernels.Split of Bf16Cache", groups, 159, 18944, bytes, bytes + partial, groups * 4 * BlockFma(headDim),
            groups * 4 * InstructionsOfBlock(headDim), 128 * 8 * 16);
    }

    /// <summary>
    /// <c>TensorAttentionKernels.Walk</c>: a prompt from its first position on. Four tiles of 16 queries read each block once together.
    /// </summary>
    public static LaunchModel AttendWalk(int rows, int heads, int keyHeads, int headDim)
    {
        int perGroup = 4 * (16 / Math.Min(16, heads / keyHeads));
        long groups = (long)Divide(rows, perGroup) * keyHeads * Divide(heads / keyHeads, 16);
        double blocks = Enumerable.Range(0, Divide(rows, perGroup)).Sum(group => Divide(Math.Min(rows, (group + 1) * perGroup), 64))
            * (double)keyHeads * Divide(heads / keyHeads, 16);
        double bytes = (4.0 * rows * keyHeads * headDim) + (8.0 * rows * heads * headDim);
        return new LaunchModel(
            "TensorAttentionKernels.Walk of Bf16Cache", groups, 236, 49152, bytes, blocks * 4 * 64 * headDim,
            blocks * 4 * BlockFma(headDim), blocks * 4 * InstructionsOfBlock(headDim), 128 * 8 * 16);
    }

    private static double BlockFma(int headDim) =>
        ((Divide(headDim, 32) * ScoreProducts) + (Divide(headDim, 64) * ValueProducts)) * (double)Mma;

    private static double InstructionsOfBlock(int headDim) =>
        (Divide(headDim, 32) * ScoreInstructions) + (Divide(headDim, 64) * ValueInstructions) + BlockInstructions;

    /// <summary>
    /// <c>LoraKernels.ShrinkOnTensorCores</c>: adapters of a rank, each with so many rows, for so many parts of a group of products. Eight
    /// rows pass eight rank rows together.
    /// </summary>
    public static LaunchModel Shrink(int adapters, int rowsEach, int rank, int inputs, int parts)
    {
        long groups = (long)adapters * Divide(rank, 8) * Divide(rowsEach, 8) * parts;
        double runs = groups * (inputs / 32.0);
        double bytes = 2.0 * adapters * rank * inputs * parts;
        return new LaunchModel(
            "LoraKernels.ShrinkOnTensorCores", groups, 111, 8192, bytes + (4.0 * adapters * rowsEach * inputs),
            groups * (16.0 + (4 * Math.Min(rowsEach, 8))) * inputs, runs * 6 * Mma, runs * ShrinkInstructions / 8, 128 * 8 * 16);
    }

    /// <summary><c>LoraKernels.ExpandOnTensorCores</c>: the same up to N columns; what it adds to is read and written.</summary>
    public static LaunchModel Expand(int adapters, int rowsEach, int rank, int outputs, int parts)
    {
        long blocks = (long)adapters * Divide(rowsEach, 16) * parts;
        long groups = Divide(outputs, 256) * blocks;
        int tiles = Divide(rank, 16);
        double sums = 8.0 * adapters * rowsEach * outputs * parts;
        return new LaunchModel(
            "LoraKernels.ExpandOnTensorCores", groups, 128, 0, (2.0 * adapters * rank * outputs * parts) + sums,
            (2.0 * blocks * rank * outputs) + sums, groups * 4.0 * tiles * 24 * Mma, groups * 4.0 * tiles * ExpandInstructions,
            128 * 4 * 16);
    }

    private static int Divide(int elements, int groups) => (elements + groups - 1) / groups;
}
