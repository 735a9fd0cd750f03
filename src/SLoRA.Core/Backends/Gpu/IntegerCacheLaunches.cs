using ILGPU;
using ILGPU.Runtime;
using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Step;

namespace SLoRA.Backends.Gpu;

/// <summary>Launches <see cref="IntegerCacheKernels.RotateAndStore"/>.</summary>
internal delegate void IntegerStoreLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> qkv, ArrayView<uint> pool, ArrayView<int> positions,
    ArrayView<int> tableStart, ArrayView<int> pages, ArrayView<float> angles, CacheShape shape, IntegerCache kept, RotationShape rotation);

/// <summary>Launches <see cref="IntegerCacheKernels.Attend"/>.</summary>
internal delegate void IntegerAttendLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> qkv, ArrayView<uint> pool, ArrayView<int> tasks,
    ArrayView<int> positions, ArrayView<int> tableStart, ArrayView<int> pages, ArrayView<float> sinks, ArrayView<float> partial,
    ArrayView<float> y, AttentionShape shape, IntegerCache kept);

/// <summary>Launches <see cref="IntegerLatentKernels.RotateAndStore"/>.</summary>
internal delegate void IntegerLatentStoreLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> q, ArrayView<float> kv, ArrayView<uint> pool, ArrayView<int> positions,
    ArrayView<int> tableStart, ArrayView<int> pages, ArrayView<float> angles, LatentShape shape, IntegerCache kept);

/// <summary>Launches <see cref="IntegerLatentKernels.Attend"/>.</summary>
internal delegate void IntegerLatentAttendLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> absorbed, ArrayView<float> q, ArrayView<uint> pool,
    ArrayView<int> rowOf, ArrayView<int> positions, ArrayView<int> tableStart, ArrayView<int> pages, ArrayView<float> y, LatentShape shape,
    IntegerCache kept);

/// <summary>The launchers of the kernels of a cache of 8-bit integers; each pair compiles when it is first asked for.</summary>
internal sealed class IntegerCacheKernelSet(KernelLoader loader)
{
    private readonly Lazy<(IntegerStoreLauncher, IntegerAttendLauncher)> _heads = new(() => (
        loader.Load<IntegerStoreLauncher>(IntegerCacheKernels.RotateAndStore),
        loader.Load<IntegerAttendLauncher>(IntegerCacheKernels.Attend)));

    private readonly Lazy<(IntegerLatentStoreLauncher, IntegerLatentAttendLauncher)> _latents = new(() => (
        loader.Load<IntegerLatentStoreLauncher>(IntegerLatentKernels.RotateAndStore),
        loader.Load<IntegerLatentAttendLauncher>(IntegerLatentKernels.Attend)));

    /// <summary>For keys and values of heads.</summary>
    public (IntegerStoreLauncher RotateAndStore, IntegerAttendLauncher Attend) Heads => _heads.Value;

    /// <summary>For latents.</summary>
    public (IntegerLatentStoreLauncher RotateAndStore, IntegerLatentAttendLauncher Attend) Latents => _latents.Value;
}

/// <summary>Where the integers of a layer lie, as kernels count.</summary>
internal static class IntegerCacheLayout
{
    /// <summary>Keys and values of heads with so many columns, or latents with others behind them.</summary>
    public static IntegerCache Of(KvLayout layout, int layer, int columns, int own = 0)
    {
        LayerBlock block = layout.Layers[layer];
        return new IntegerCache(
            int.Log2(layout.PageTokens), KeyValueShape.IntegersOf(columns, own) / sizeof(uint), layout.PageBytes / sizeof(uint),
            block.KeyOffset / sizeof(uint), block.ValueOffset / sizeof(uint), block.HeadBytes / sizeof(uint),
            block.ScaleOffset / sizeof(uint));
    }
}
