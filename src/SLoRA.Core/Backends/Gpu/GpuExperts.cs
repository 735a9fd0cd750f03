using ILGPU;
using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Step;

namespace SLoRA.Backends.Gpu;

/// <summary>The weights <c>[experts, outputs, inputs]</c> of one product of every expert, row-major, in one piece.</summary>
internal sealed class GpuExperts(ExpertSources sources, WeightKernels kernels, ArrayView<byte> bytes)
    : DeviceExperts(sources.Experts, sources.Outputs, sources.Inputs)
{
    /// <summary>The kernels that read them.</summary>
    public WeightKernels Kernels { get; } = kernels;

    /// <summary>Its rows.</summary>
    public ArrayView<byte> Bytes { get; } = bytes;
}

/// <summary>
/// What rows have chosen, in device memory that is handed out when all of the decoder is known. One of several shards has some of the
/// experts, and as routed rows what is chosen of them.
/// </summary>
internal sealed class GpuRoutes : DeviceRoutes
{
    /// <summary>Choices up to which tiles of <see cref="ProductKernels.Few"/> are used, for each expert.</summary>
    private const int FewChoices = 8;

    private readonly int _rowLimit;

    /// <summary>Says how much room there will be.</summary>
    /// <param name="experts">All experts.</param>
    /// <param name="chosen">How many of them a row chooses.</param>
    /// <param name="rowLimit">The most rows of a step.</param>
    /// <param name="own">The experts that are here; null for all.</param>
    public GpuRoutes(int experts, int chosen, int rowLimit, Run? own = null)
        : base(experts, chosen)
    {
        _rowLimit = rowLimit;
        IsPart = own is not null;
        Own = own ?? new Run(0, experts);
        int end = Own.First + Own.Count;
        Leaves = new SumLeaves(
        [
            .. Split.OfExperts(experts).BordersOf(0, 1).Where(border => border >= Own.First && border <= end)
                .Select(border => border - Own.First),
        ]);
    }

    /// <summary>Whether other shards have other experts.</summary>
    public bool IsPart { get; }

    /// <summary>The experts that are here.</summary>
    public Run Own { get; }

    /// <summary>Where the leaves of the sums over the experts that are here end, from the first of them on.</summary>
    public SumLeaves Leaves { get; }

    /// <summary>The expert of each choice, counted from the first that is here.</summary>
    public ArrayView<int> Expert { get; private set; }

    /// <summary>The weight of each choice.</summary>
    public ArrayView<float> Weight { get; private set; }

    /// <summary>Routed row → choice.</summary>
    public ArrayView<int> ChoiceOf { get; private set; }

    /// <summary>Choice → routed row.</summary>
    public ArrayView<int> RowOf { get; private set; }

    /// <summary>Choices of each expert.</summary>
    public ArrayView<int> Counts { get; private set; }

    /// <summary>Tiles of routed rows, <see cref="RouteKernels.TileInts"/> each.</summary>
    public ArrayView<int> Tiles { get; private set; }

    /// <summary>How many there are.</summary>
    public ArrayView<int> TileCount { get; private set; }

    /// <summary>Bytes of device memory.</summary>
    public long Bytes => (4 * DeviceArena.Rounded((long)Choices * sizeof(int))) + DeviceArena.Rounded(Experts * sizeof(int))
        + DeviceArena.Rounded((long)MostTilesEver * RouteKernels.TileInts * sizeof(int)) + DeviceArena.Rounded(sizeof(int));

    private int Choices => _rowLimit * Chosen;

    private int MostTilesEver => Math.Max(MostTiles(Choices), MostTiles(Math.Min(Choices, FewChoices * Experts)));

    /// <summary>Rows of a tile where there are so many choices.</summary>
    public int TileRows(int choices) => choices <= FewChoices * Experts ? 4 : ProductKernels.TileRows;

    /// <summary>The most tiles that so many choices can make.</summary>
    public int MostTiles(int choices) => Math.Min(choices, Experts + (choices / TileRows(choices)));

    /// <summary>Takes the memory.</summary>
    public void Take(DeviceArena memory)
    {
        Expert = memory.Take<int>(Choices);
        Weight = memory.Take<float>(Choices);
        ChoiceOf = memory.Take<int>(Choices);
        RowOf = memory.Take<int>(Choices);
        Counts = memory.Take<int>(Experts);
        Tiles = memory.Take<int>((long)MostTilesEver * RouteKernels.TileInts);
        TileCount = memory.Take<int>(1);
    }
}
