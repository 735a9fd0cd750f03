using System.Diagnostics;
using System.Globalization;
using SLoRA.Core.Bench.Workload;
using SLoRA.Native;

namespace SLoRA.Core.Bench;

/// <summary>
/// One point: an engine whose pool holds some of its adapters, under a closed loop of clients that draw adapters by Zipf's law.
/// </summary>
internal static class AdaptersBench
{
    /// <summary>Measures and prints.</summary>
    /// <returns>2 when this machine has too little memory for it.</returns>
    public static async Task<int> Run(AdaptersWorkload workload, bool json, CancellationToken cancellation)
    {
        AdaptersResult result;
        try
        {
            using var folder = new RandomModelFolder(workload.Shape, workload.Weights);
            result = await MeasureAsync(workload, folder.Path, json ? null : Console.WriteLine, cancellation);
        }
        catch (InsufficientMemoryException error)
        {
            Console.Error.WriteLine(error.Message);
            return 2;
        }

        Console.WriteLine(result.ToJson());
        return 0;
    }

    /// <summary>Measures one point.</summary>
    /// <param name="workload">What is served.</param>
    /// <param name="folder">The model.</param>
    /// <param name="report">Told how far it is; null for nobody.</param>
    /// <param name="cancellation">Stops.</param>
    /// <exception cref="InsufficientMemoryException">The machine has less memory than pool and contents take.</exception>
    public static async Task<AdaptersResult> MeasureAsync(
        AdaptersWorkload workload, string folder, Action<string>? report, CancellationToken cancellation)
    {
        KvPages kv = await PageSizeAsync(folder, workload.Threads, cancellation);
        int pages = workload.Pages(kv);
        RequireMemory(workload, pages * kv.PageBytes);
        using var steps = new StepAdapters();
        await using LoraServingEngine engine = await BenchEngine.BuildAsync(workload, folder, pages * kv.PageBytes, steps, cancellation);
        report?.Invoke(string.Create(
            CultureInfo.InvariantCulture,
            $"{workload.Shape.Name} {workload.Weights}, {workload.Threads} threads, {pages} pages of {kv.PageBytes} bytes"));
        await BenchEngine.FillAsync(engine, workload, cancellation);
        report?.Invoke($"{engine.Status.ResidentAdapters} adapters in the pool; warming up");

        var clients = new ClosedLoop(engine, workload, new AdapterTrace(workload.Registered, workload.Zipf));
        clients.Start(cancellation);
        await Task.Delay(TimeSpan.FromSeconds(workload.WarmUpSeconds), cancellation);
        EngineStatus before = engine.Status;
        (long stepsBefore, long adaptersBefore) = steps.Counts;
        long start = Stopwatch.GetTimestamp();
        clients.Measure(true);
        await Task.Delay(TimeSpan.FromSeconds(workload.Seconds), cancellation);
        clients.Measure(false);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        EngineStatus after = engine.Status;
        (long stepsAfter, long adaptersAfter) = steps.Counts;
        await clients.StopAsync();
        await engine.DropCachesAsync();

        AdapterCacheStatus first = before.AdapterCache;
        AdapterCacheStatus last = after.AdapterCache;
        long lookups = last.Hits + last.Misses - first.Hits - first.Misses;
        return new AdaptersResult
        {
            Registered = workload.Registered,
            Resident = workload.Resident?.ToString(CultureInfo.InvariantCulture) ?? "all",
            Requests = clients.Requests,
            OutputTokensPerSecond = clients.Tokens / seconds,
            FirstTokenMedian = clients.FirstToken.Quantile(0.5),
            FirstTokenP99 = clients.FirstToken.Quantile(0.99),
            InterTokenMedian = clients.InterToken.Quantile(0.5),
            InterTokenP99 = clients.InterToken.Quantile(0.99),
            DistinctAdaptersPerStep = (double)(adaptersAfter - adaptersBefore) / Math.Max(1, stepsAfter - stepsBefore),
            PageIns = last.PageIns - first.PageIns,
            PageInMegabytesPerSecond = (last.PageInBytes - first.PageInBytes) / seconds / 1e6,
            Evictions = last.Evictions - first.Evictions,
            HitRate = lookups == 0 ? 0 : (double)(last.Hits - first.Hits) / lookups,
            StepSeconds = seconds / Math.Max(1, stepsAfter - stepsBefore),
            FreePagesAtEnd = engine.Status.Pool.Free,
            TotalPages = engine.Status.Pool.Total,
        };
    }

    /// <summary>What a page of the model is: asked of an engine with a small pool.</summary>
    public static async Task<KvPages> PageSizeAsync(string folder, int threads, CancellationToken cancellation)
    {
        await using LoraServingEngine engine = await LoraServingEngine.CreateBuilder()
            .UseModel(folder).UseCpu(cpu => cpu.Threads = threads).ConfigurePool(pool => pool.Bytes = 8L << 20)
                .BuildAsync(cancellationToken: cancellation);
        long pageBytes = engine.Status.Pool.PageBytes;
        return new KvPages(pageBytes, BenchEngine.PageTokens);
    }

    private static void RequireMemory(AdaptersWorkload workload, long poolBytes)
    {
        long contents =
            Math.Min(workload.HostBytes, Enumerable.Range(0, workload.Registered).Sum(i => RandomAdapter.BytesOf(workload.Shape, i)));
        long needed = poolBytes + contents;
        long available = ProcessMemory.Limit;
        if (needed > available * 0.9)
        {
            throw new InsufficientMemoryException(string.Create(
                CultureInfo.InvariantCulture,
                $"The pool takes {poolBytes / 1e9:F1} GB and the contents in main memory {contents / 1e9:F1} GB; this machine has "
                + $"{available / 1e9:F1} GB."));
        }
    }
}
