using ILGPU;
using SLoRA.Backends.Gpu.Kernels;

namespace SLoRA.Backends.Gpu;

/// <summary>The weights <c>[experts, outputs, inputs]</c> of one product of every expert, row-major as stored, in one piece.</summary>
internal sealed class GpuExperts(ExpertSources sources, WeightKernels kernels, ArrayView<byte> bytes)
    : DeviceExperts(sources.Experts, sources.Outputs, sources.Inputs)
{
    /// <summary>The kernels that read them.</summary>
    public WeightKernels Kernels { get; } = kernels;

    /// <summary>The blocks.</summary>
    public ArrayView<byte> Bytes { get; } = bytes;
}

/// <summary>What rows have chosen, in device memory that is handed out when all of the decoder is known.</summary>
internal sealed class GpuRoutes(int experts, int chosen, int rowLimit) : DeviceRoutes(experts, chosen)
{
    /// <summary>Choices up to which tiles of <see cref="ProductKernels.Few"/> are used, for each expert.</summary>
    private const int FewChoices = 8;

    /// <summary>The expert of each choice.</summary>
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

    private int Choices => rowLimit * Chosen;

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
