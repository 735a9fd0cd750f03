namespace SLoRA.Gpu.Bench.Roofline;

/// <summary>
/// Launches of the kernels by their shapes. Instructions of loops are those of the machine code for sm_90 (<c>nvdisasm</c>), bytes those
/// that the loops load; what stands outside of loops is left out.
/// </summary>
internal static class KernelModels
{
    /// <summary>Tensor-core multiply-adds of one <c>mma.m16n8k16</c>.</summary>
    private const int Mma = 16 * 8 * 16;

    /// <summary><c>TensorProductKernels.Few</c>: up to 16 rows of K columns, N outputs.</summary>
    public static LaunchModel TensorFew(int rows, int inputs, int outputs)
    {
        long groups = Divide(outputs, 32);
        int tiles = Divide(Math.Min(rows, 16), 8);
        double runs = inputs / 32.0 * groups;
        double weights = 2.0 * inputs * outputs;
        double activations = 4.0 * inputs;
        return new LaunchModel(
            "TensorProductKernels.Few", groups, 100, 8192, weights + (rows * (activations + (4.0 * outputs))),
            weights + (groups * 8 * tiles * activations), runs * 2 * 2 * 3 * tiles * Mma, runs * (110 + (3 * (tiles == 1 ? 34 : 56))),
            4 * 32 * 64 * 2);
    }

    /// <summary><c>TensorProductKernels.Many</c> and its share of <c>Split</c>.</summary>
    public static LaunchModel TensorMany(int rows, int inputs, int outputs)
    {
        long groups = (long)Divide(outputs, 64) * Divide(rows, 64);
        double steps = inputs / 32.0 * groups;
        return new LaunchModel(
            "TensorProductKernels.Many", groups, 125, 49152,
            (2.0 * inputs * outputs) + (rows * ((6.0 * inputs) + (4.0 * outputs))), steps * 16384, steps * 4 * 48 * Mma, steps * 4 * 310,
            2 * 16384);
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

    /// <summary><c>LoraKernels.Shrink</c>: adapters of a rank, each with so many rows, for so many parts of a group of products.</summary>
    public static LaunchModel Shrink(int adapters, int rowsEach, int rank, int inputs, int parts)
    {
        long groups = (long)adapters * Divide(rank, 8) * parts;
        double bytes = 2.0 * adapters * rank * inputs * parts;
        return new LaunchModel(
            "LoraKernels.Shrink", groups, 48, 2048, bytes, bytes * 2, 0, groups * 4 * (inputs / 64.0) * 170 * Divide(rowsEach, 4),
            128 * 2 * 4);
    }

    /// <summary><c>LoraKernels.Expand</c>: the same up to N columns.</summary>
    public static LaunchModel Expand(int adapters, int rowsEach, int rank, int outputs, int parts)
    {
        long groups = (long)Divide(outputs, 128) * adapters * parts;
        double bytes = 2.0 * adapters * rank * outputs * parts;
        return new LaunchModel(
            "LoraKernels.Expand", groups, 42, 0, bytes + (8.0 * adapters * rowsEach * outputs * parts), bytes * 2, 0,
            groups * 4 * (rank / 4.0) * 180 * Divide(rowsEach, 4), 128 * 2 * 4);
    }

    private static int Divide(int elements, int groups) => (elements + groups - 1) / groups;
}
