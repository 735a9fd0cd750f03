namespace SLoRA.Core.Bench;

/// <summary>Engines with many seeded adapters.</summary>
internal static class BenchEngine
{
    /// <summary>Tokens of a page.</summary>
    public const int PageTokens = 16;

    /// <summary>An engine that can serve every adapter of a workload.</summary>
    /// <param name="workload">How many, and how they look.</param>
    /// <param name="folder">The model.</param>
    /// <param name="poolBytes">Bytes of the pool.</param>
    /// <param name="steps">Hears about the steps; null for nobody.</param>
    /// <param name="cancellation">Stops.</param>
    public static Task<LoraServingEngine> BuildAsync(
        AdaptersWorkload workload, string folder, long poolBytes, StepAdapters? steps, CancellationToken cancellation) =>
        LoraServingEngine.CreateBuilder()
            .UseModel(folder)
            .UseCpu(cpu => cpu.Threads = workload.Threads)
            .UseAdapterSource(new SeededAdapters(workload.Shape, workload.Weights, workload.Registered))
            .ConfigureAdapters(adapters => adapters.HostBytes = workload.HostBytes)
            .ConfigurePool(pool =>
            {
                pool.Bytes = poolBytes;
                pool.PageTokens = PageTokens;
            })
            .ConfigureMetrics(metrics => metrics.MeterFactory = steps)
            .BuildAsync(cancellationToken: cancellation);

    /// <summary>
    /// Brings as many adapters into the pool as it is meant to hold, the popular ones last; before them all others, if their contents shall
    /// have been read.
    /// </summary>
    public static async Task FillAsync(LoraServingEngine engine, AdaptersWorkload workload, CancellationToken cancellation)
    {
        int count = workload.IsRead ? workload.Registered : Math.Min(workload.Resident ?? workload.Registered, workload.Registered);
        for (int i = count - 1; i >= 0; i--)
        {
            await engine.Adapters.PreloadAsync(SeededAdapters.NameOf(i), cancellation);
        }
    }
}
