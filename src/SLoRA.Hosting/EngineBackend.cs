namespace SLoRA.Hosting;

/// <summary>The devices by the names that configurations use.</summary>
internal static class EngineBackend
{
    public static bool IsKnown(string name) => name is not null
        && (Is(name, "Cpu") || Is(name, "Gpu") || Is(name, "Reference"));

    /// <summary>Tells a builder which device computes.</summary>
    public static void Use(LoraServingEngineBuilder builder, SLoRAOptions options)
    {
        if (Is(options.Backend, "Gpu"))
        {
            builder.UseGpu(gpu =>
            {
                gpu.Driver = options.Gpu.Driver;
                gpu.Device = options.Gpu.Device;
                gpu.Devices = options.Gpu.Devices;
                gpu.Products = options.Gpu.Products;
                gpu.Exchange = options.Gpu.Exchange;
                gpu.Graphs = options.Gpu.Graphs;
            });
        }
        else if (Is(options.Backend, "Reference"))
        {
            builder.UseReference();
        }
        else
        {
            builder.UseCpu(cpu =>
            {
                cpu.Threads = options.Cpu.Threads;
                cpu.Weights = options.Cpu.Weights;
                cpu.Precision = options.Cpu.Precision;
                cpu.PackedImage = options.Cpu.PackedImage;
                cpu.PackedImageFolder = options.Cpu.PackedImageFolder;
                cpu.MachineCode = options.Cpu.MachineCode;
                cpu.Shards = options.Cpu.Shards;
                cpu.Placement = options.Cpu.Placement;
            });
        }
    }

    private static bool Is(string name, string backend) => name.Equals(backend, StringComparison.OrdinalIgnoreCase);
}
