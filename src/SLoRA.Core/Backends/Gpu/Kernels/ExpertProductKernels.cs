using ILGPU;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>
/// Products of experts <c>y[p] = x[p] W_eᵀ + b_e</c>: x [T k, K] fp32 in the order of the experts, W [E, N, K] as stored, y [T k, N]. What
/// <see cref="ProductKernels"/> do, for tiles of routed rows that share an expert. Grids have room for the most tiles that there can be;
/// groups beyond those that there are end at once.
/// </summary>
internal static class ExpertProductKernels
{
    /// <summary>Groups: 8 outputs (x) times tiles of up to 4 rows (y).</summary>
    [Kernel(weights: true)]
    public static void Few<TStored, TFormat>(
        ArrayView<float> x, ArrayView<TStored> weight, ArrayView<float> bias, ArrayView<int> tiles, ArrayView<int> tileCount,
        ArrayView<float> y, ProductShape shape)
        where TStored : unmanaged
        where TFormat : struct, IStoredFormat<TStored>
    {
        ArrayView<float> sums = SharedMemory.Allocate<float>(4 * KernelLoader.GroupSize);
        if (Grid.IdxY >= tileCount[0])
        {
            return;
        }

        ProductKernels.FewRowsOf<TStored, TFormat, OneLeaf>(
            x, weight, bias, y, shape, TileOf(tiles, shape, TFormat.RowWords(shape.Inputs)), sums);
    }

    /// <summary>Groups: 64 outputs (x) times tiles of up to 32 rows (y).</summary>
    [Kernel(weights: true)]
    public static void Many<TStored, TFormat>(
        ArrayView<float> x, ArrayView<TStored> weight, ArrayView<float> bias, ArrayView<int> tiles, ArrayView<int> tileCount,
        ArrayView<float> y, ProductShape shape)
        where TStored : unmanaged
        where TFormat : struct, IStoredFormat<TStored>
    {
        ArrayView<float> xs = SharedMemory.Allocate<float>(ProductKernels.TileRows * ProductKernels.Pitch);
        ArrayView<float> ws = SharedMemory.Allocate<float>(ProductKernels.TileOutputs * ProductKernels.Pitch);
        if (Grid.IdxY >= tileCount[0])
        {
            return;
        }

        // A view of the expert's own weights: with an offset beside the view the assembler runs out of registers.
        ProductTile tile = TileOf(tiles, shape, TFormat.RowWords(shape.Inputs));
        ArrayView<TStored> own = weight.SubView(tile.Weight, (long)shape.Outputs * TFormat.RowWords(shape.Inputs));
        ProductKernels.ManyRowsOf<TStored, TFormat, OneLeaf>(
            x, own, bias, y, shape, new ProductTile(tile.FirstRow, tile.EndRow, 0, tile.Bias), xs, ws);
    }

    private static ProductTile TileOf(ArrayView<int> tiles, ProductShape shape, int rowWords)
    {
        int tile = Grid.IdxY * RouteKernels.TileInts;
        int expert = tiles[tile];
        int first = tiles[tile + 1];
        return new ProductTile(first, first + tiles[tile + 2], (long)expert * shape.Outputs * rowWords, expert * shape.Outputs);
    }
}
