using System.Collections.Immutable;
using ILGPU.Runtime.Cuda;
using SLoRA.Backends.Sharded;

namespace SLoRA.Backends.Gpu;

/// <summary>Makes one backend of several devices.</summary>
internal static class GpuShards
{
    /// <summary>Opens the devices that the options name and makes one backend of them.</summary>
    /// <param name="options">The options; at least two devices.</param>
    /// <param name="rowLimit">The most rows of a step.</param>
    /// <param name="outputLimit">The most output rows of a step.</param>
    /// <param name="checksPages">Whether shards are compared, after every step, in what two of them keep alike.</param>
    /// <exception cref="GpuException">A device cannot be used.</exception>
    public static IBackend Create(GpuOptions options, int rowLimit, int outputLimit, bool checksPages)
    {
        var devices = new List<GpuDevice>();
        try
        {
            GpuOptions one = options.Copy();
            foreach (int device in options.Devices)
            {
                one.Device = device;
                devices.Add(GpuDevice.Open(one));

                // Device 1 of one driver is none of another's.
                one.Driver = devices[0].Accelerator is CudaAccelerator ? GpuDriver.Cuda : GpuDriver.OpenCL;
            }
        }
        catch
        {
            devices.ForEach(device => device.Dispose());
            throw;
        }

        return Create([.. devices], rowLimit, outputLimit, options.Products, checksPages: checksPages, exchange: options.Exchange);
    }

    /// <summary>Makes one backend of devices that are open.</summary>
    /// <param name="devices">The devices; disposed of with the backend, or here if it cannot be made.</param>
    /// <param name="rowLimit">The most rows of a step.</param>
    /// <param name="outputLimit">The most output rows of a step.</param>
    /// <param name="products">Who computes the products with the base weights.</param>
    /// <param name="peers">Whether devices may take from each other's memory where they can.</param>
    /// <param name="checksPages">Whether shards are compared, after every step, in what two of them keep alike.</param>
    /// <param name="shard">What stands before a shard, by its number; for tests.</param>
    /// <param name="loaded">Kernels that are loaded already; for tests.</param>
    /// <param name="exchange">How they send each other what they have computed.</param>
    public static IBackend Create(
        ImmutableArray<GpuDevice> devices,
        int rowLimit,
        int outputLimit,
        GpuProducts products = GpuProducts.Exact,
        bool peers = true,
        bool checksPages = false,
        Func<int, IBackend, IBackend>? shard = null,
        GpuKernels? loaded = null,
        GpuExchange exchange = GpuExchange.Copies)
    {
        var meeting = new Meeting(devices.Length);
        var backends = new List<IBackend>(devices.Length);
        ShardLink[] links = [];
        try
        {
            links = Links(devices, exchange, peers, meeting);
            for (int i = 0; i < devices.Length; i++)
            {
                int number = i;
                GpuDevice device = devices[i];
                var backend = new GpuBackend(device, rowLimit, outputLimit, products, Shard, loaded);
                backends.Add(shard is null ? backend : shard(i, backend));

                GpuShard Shard(GpuKernels kernels)
                {
                    var clock = new ExchangeClock(device);
                    var collective = new GpuCollective(number, meeting, links[number], clock);
                    return new GpuShard(collective, device, kernels.Exchange, links[number], clock, DrainAll);
                }
            }

            return new ShardedBackend("Gpu.Devices", [.. backends], meeting, outputLimit, checksPages);
        }
        catch
        {
            // Disposing twice does nothing.
            backends.ForEach(backend => backend.Dispose());
            foreach (ShardLink link in links)
            {
                link.Dispose();
            }

            foreach (GpuDevice device in devices)
            {
                device.Dispose();
            }

            throw;
        }

        void DrainAll()
        {
            foreach (ShardLink link in links)
            {
                link.Drain();
            }
        }
    }

    /// <summary>Makes the devices' ends of their exchanges.</summary>
    /// <param name="devices">The devices.</param>
    /// <param name="exchange">How they send each other what they have computed.</param>
    /// <param name="peers">Whether they may take from each other's memory where they can.</param>
    /// <param name="meeting">Where they meet.</param>
    /// <exception cref="GpuException">They cannot exchange so.</exception>
    internal static ShardLink[] Links(ImmutableArray<GpuDevice> devices, GpuExchange exchange, bool peers, Meeting meeting) =>
        exchange switch
        {
            GpuExchange.Copies => CopyLinks(devices, peers),
            GpuExchange.Nccl => NcclLinks(devices, meeting),
            _ => throw new ArgumentOutOfRangeException(nameof(exchange), exchange, "Nobody sends so."),
        };

    private static ShardLink[] CopyLinks(ImmutableArray<GpuDevice> devices, bool peers)
    {
        if (devices[0].Accelerator is not CudaAccelerator)
        {
            var hosts = new HostLink[devices.Length];
            for (int i = 0; i < hosts.Length; i++)
            {
                hosts[i] = new HostLink(devices[i], hosts);
            }

            return hosts;
        }

        var driver = new CudaPeers();
        var links = new CudaLink[devices.Length];
        try
        {
            for (int i = 0; i < links.Length; i++)
            {
                links[i] = new CudaLink(devices[i], driver, i, links);
            }

            foreach (CudaLink link in links)
            {
                link.Connect(peers);
            }

            foreach (CudaLink link in links)
            {
                link.FindReaders();
            }
        }
        catch
        {
            foreach (CudaLink? link in links)
            {
                link?.Dispose();
            }

            throw;
        }

        return links;
    }

    private static NcclLink[] NcclLinks(ImmutableArray<GpuDevice> devices, Meeting meeting)
    {
        if (devices[0].Accelerator is not CudaAccelerator)
        {
            throw new GpuException(
                GpuError.Unsupported, $"Exchange is Nccl, which {devices[0].Name} cannot do: NCCL needs CUDA.");
        }

        var library = Nccl.Load();
        var driver = new CudaPeers();
        var contexts = new List<PrimaryContext>(devices.Length);
        var links = new List<NcclLink>(devices.Length);
        NcclRanks? ranks = null;
        try
        {
            foreach (GpuDevice device in devices)
            {
                contexts.Add(new PrimaryContext(device));
            }

            ranks = new NcclRanks(library, [.. contexts]);
            for (int i = 0; i < devices.Length; i++)
            {
                links.Add(new NcclLink(devices[i], contexts[i], driver, ranks, i));
            }

            NcclLink.Introduce(ranks, [.. links]);
        }
        catch
        {
            // Disposing twice does nothing.
            ranks?.Abort();
            links.ForEach(link => link.Dispose());
            contexts.ForEach(context => context.Dispose());
            throw;
        }

        meeting.Failed = ranks.Abort;
        return [.. links];
    }
}
