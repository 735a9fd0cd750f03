using SLoRA.Backends;
using SLoRA.Backends.Gpu;

namespace SLoRA.Core.Tests.Backends.Shards;

/// <summary>Shards of which each believes to have a device of its own, on the one device of this machine.</summary>
internal static class GpuShardsOfOne
{
    /// <summary>Makes them; one is the plain backend.</summary>
    public static IBackend Create(int shards, int rows, int outputs, Func<int, IBackend, IBackend>? shard = null) => shards == 1
        ? new GpuBackend(GpuDevice.Open(new GpuOptions()), rows, outputs)
        : GpuShards.Create(
            [.. Enumerable.Range(0, shards).Select(_ => GpuDevice.Open(new GpuOptions()))], rows, outputs, checksPages: true, shard: shard);
}
