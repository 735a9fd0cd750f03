using System.Diagnostics;
using SLoRA.Core.Bench.Workload;

namespace SLoRA.Core.Bench;

/// <summary>
/// What running streams feel of adapters that are brought into the pool beside them: the time between their tokens, quiet and meanwhile.
/// </summary>
internal static class StreamInBench
{
    private const long Bytes = 512L << 20;
    private const int Running = 8;
    private const int Preloading = 4;

    /// <summary>Measures.</summary>
    public static async Task<StreamInResult> MeasureAsync(AdaptersWorkload basis, string folder, CancellationToken cancellation)
    {
        int count = Running;
        long bytes = 0;
        for (; bytes < Bytes; count++)
        {
            bytes += RandomAdapter.BytesOf(basis.Shape, count);
        }

        AdaptersWorkload running = basis with { Registered = Running, Resident = null, Zipf = 0 };
        AdaptersWorkload everything = basis with { Registered = count, Resident = null };
        KvPages kv = await AdaptersBench.PageSizeAsync(folder, basis.Threads, cancellation);
        await using LoraServingEngine engine = await BenchEngine.BuildAsync(
            everything, folder, everything.Pages(kv) * kv.PageBytes, null, cancellation);
        await BenchEngine.FillAsync(engine, running, cancellation);
        var clients = new ClosedLoop(engine, running, new AdapterTrace(Running, 0));
        clients.Start(cancellation);
        await Task.Delay(TimeSpan.FromSeconds(basis.WarmUpSeconds), cancellation);
        clients.Measure(true);
        await Task.Delay(TimeSpan.FromSeconds(basis.Seconds), cancellation);
        clients.Measure(false);
        double quiet = clients.InterToken.Quantile(0.99);

        clients.InterToken.Clear();
        clients.Measure(true);
        long start = Stopwatch.GetTimestamp();
        await Parallel.ForEachAsync(
            Enumerable.Range(Running, count - Running),
            new ParallelOptions { MaxDegreeOfParallelism = Preloading, CancellationToken = cancellation },
            async (number, stop) => await engine.Adapters.PreloadAsync(SeededAdapters.NameOf(number), stop));
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        clients.Measure(false);
        double streaming = clients.InterToken.Quantile(0.99);
        await clients.StopAsync();
        return new StreamInResult(quiet, streaming, bytes, seconds);
    }
}

/// <summary>What <see cref="StreamInBench"/> has measured.</summary>
/// <param name="QuietP99">Milliseconds between two tokens, 99 of 100 times at most, with nothing beside.</param>
/// <param name="StreamingP99">The same while adapters came in.</param>
/// <param name="Bytes">Their bytes.</param>
/// <param name="Seconds">How long they took.</param>
internal sealed record StreamInResult(double QuietP99, double StreamingP99, long Bytes, double Seconds);
