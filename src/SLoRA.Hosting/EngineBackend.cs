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
            builder.UseGpu(options.Gpu);
        }
        else if (Is(options.Backend, "Reference"))
        {
            builder.UseReference();
        }
        else
        {
            builder.UseCpu(options.Cpu);
        }
    }

    private static bool Is(string name, string backend) => name.Equals(backend, StringComparison.OrdinalIgnoreCase);
}
