using System.Diagnostics;
using System.Globalization;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Engine;
using SLoRA.Formats;

namespace SLoRA.Core.Bench;

/// <summary>
/// The step loop apart from compute: the same requests on a device that computes nothing and on the processor. The first is what the loop
/// itself takes for a step of decode rows, choosing and publishing the tokens included; the second less the first is the compute. Any
/// number of further requests may wait meanwhile.
/// </summary>
internal static class OverheadBench
{
    private const int Prompt = 16;
    private const int WarmUp = 20;

    /// <summary>Measures and prints.</summary>
    public static void Run(Shape shape, TensorType type, int rows, int adapters, int threads)
    {
        OverheadResult result = Measure(shape, type, rows, adapters, threads);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{shape.Name} {type}, {rows} decode rows, {adapters} adapters, {threads} threads: loop {result.LoopSeconds * 1e3:F3} ms, "
            + $"{result.AllocatedBytes} bytes allocated per step; "
            + $"compute {result.ComputeSeconds * 1e3:F2} ms; overhead {100 * result.Share:F2} % (goal: at most 2 %)"));
    }

    /// <summary>Measures.</summary>
    /// <param name="shape">The decoder.</param>
    /// <param name="type">Type of the base weights.</param>
    /// <param name="rows">Sequences that decode.</param>
    /// <param name="adapters">Adapters that they use in turn; 0 for the base.</param>
    /// <param name="threads">Threads that compute.</param>
    public static OverheadResult Measure(Shape shape, TensorType type, int rows, int adapters, int threads)
    {
        using var folder = new RandomModelFolder(shape, type);
        Timing loop = TimeLoop(shape, type, folder.Path, rows, adapters, 0);
        Timing whole = Time(shape, type, folder.Path, rows, adapters, 0, 40, (limit, outputs) => new CpuBackend(limit, outputs, threads));
        return new OverheadResult(loop.Median, whole.Median - loop.Median, loop.AllocatedBytes);
    }

    /// <summary>Measures steps that compute nothing.</summary>
    /// <param name="shape">The decoder.</param>
    /// <param name="type">Type of the base weights.</param>
    /// <param name="folder">The model.</param>
    /// <param name="rows">Sequences that decode.</param>
    /// <param name="adapters">Adapters that all requests use in turn; 0 for the base.</param>
    /// <param name="waiting">Further requests, which wait.</param>
    /// <param name="policy">Who goes first, and whose the requests are; null for first come, first served.</param>
    public static Timing TimeLoop(
        Shape shape, TensorType type, string folder, int rows, int adapters, int waiting, BenchPolicy? policy = null) =>
        Time(shape, type, folder, rows, adapters, waiting, 400, (_, _) => new FixedLogitsBackend(), policy: policy);

    /// <summary>Measures steps in which every row decodes.</summary>
    /// <param name="shape">The decoder.</param>
    /// <param name="type">Type of the base weights.</param>
    /// <param name="folder">The model.</param>
    /// <param name="rows">Sequences that decode.</param>
    /// <param name="adapters">Adapters that all requests use in turn; 0 for the base.</param>
    /// <param name="waiting">Further requests, which wait.</param>
    /// <param name="steps">How many steps.</param>
    /// <param name="backend">What computes.</param>
    /// <param name="overlaps">Whether a step publishes while the next one computes.</param>
    /// <param name="policy">Who goes first, and whose the requests are; null for first come, first served.</param>
    public static Timing Time(
        Shape shape, TensorType type, string folder, int rows, int adapters, int waiting, int steps, Func<int, int, IBackend> backend,
        bool overlaps = false, BenchPolicy? policy = null)
    {
        // The queue fills while those who run decode.
        int limit = WarmUp + steps + 100 + (waiting / Inbox.Batch);
        LoraServingEngineBuilder builder = LoraServingEngine.CreateBuilder()
            .UseModel(folder)
            .UseBackend(backend)
            .CheckInvariants(false)
            .ConfigurePool(pool => pool.Bytes = 2L << 30)
            .ConfigureScheduling(scheduling =>
            {
                scheduling.StreamBuffer = limit;
                scheduling.OverlapPublishing = overlaps;
                scheduling.MaxRunning = rows;
                scheduling.MaxWaiting = rows + waiting;
                scheduling.MaxRowsPerStep = Math.Max(rows, 256);
                scheduling.Policy = policy?.Policy ?? new SchedulingPolicy();
            });
        for (int i = 0; i < adapters; i++)
        {
            builder.AddAdapter(Name(i), RandomAdapter.Create(shape, type, i));
        }

        using EngineAssembly assembly = builder.Assemble();
        EngineLoop loop = assembly.Loop;
        using var cancellation = new CancellationTokenSource();
        Task[] answers = [.. Enumerable.Range(0, rows + waiting).Select(i => Consume(loop, cancellation.Token, new GenerationRequest
        {
            Prompt = Enumerable.Range(i % 1000, Prompt).ToArray(),
            Adapter = adapters == 0 ? null : Name(i % adapters),
            MaxTokens = i < rows ? limit : 4,
            IgnoreEndOfText = true,
            ClientId = policy is null ? null : Name(i % policy.Clients),
            Priority = policy is null ? 0 : i < rows ? GenerationOptions.MaxPriority : i % 3,
            FirstTokenTarget = policy is null ? null : TimeSpan.FromDays(1),
        }))];
        int decoding = 0;
        for (int i = 0; decoding < WarmUp; i++)
        {
            loop.Step();
            decoding += loop.Monitor.Counts.LastStep.DecodeRows == rows && loop.Monitor.Counts.Queue.Total == waiting ? 1 : 0;
            if (i > 1000 + rows)
            {
                throw new InvalidOperationException("The rows never decoded together.");
            }
        }

        var times = new double[steps];
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < steps; i++)
        {
            long start = Stopwatch.GetTimestamp();
            loop.Step();
            times[i] = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        if (loop.Monitor.Counts.LastStep.DecodeRows != rows)
        {
            throw new InvalidOperationException("Not every row decoded in every step.");
        }

        if (loop.Monitor.Counts.Queue.Total != waiting)
        {
            throw new InvalidOperationException("Somebody who was to wait ran.");
        }

        cancellation.Cancel();
        double longest = 0;
        while (loop.Monitor.Counts.Ended < rows + waiting)
        {
            long start = Stopwatch.GetTimestamp();
            loop.Step();
            longest = Math.Max(longest, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        loop.End(new EngineDisposedException());
        Task.WhenAll(answers).Wait();
        Array.Sort(times);
        return new Timing(times[steps / 2], allocated / steps, longest);
    }

    private static async Task Consume(EngineLoop loop, CancellationToken cancellation, GenerationRequest request)
    {
        try
        {
            await foreach (GeneratedToken _ in new GenerationStream(loop.Port, request, request.MaxTokens!.Value, cancellation)
                .ConfigureAwait(false))
            {
            }
        }
        catch (Exception error) when (error is EngineDisposedException or OperationCanceledException)
        {
            // The measurement is over.
        }
    }

    private static string Name(int adapter) => string.Create(CultureInfo.InvariantCulture, $"adapter-{adapter}");
}

/// <summary>Steps as they were measured.</summary>
/// <param name="Median">Seconds of a step.</param>
/// <param name="AllocatedBytes">Bytes that a step allocates on its thread.</param>
/// <param name="LongestEnding">The longest step, in seconds, of those that end all requests after they have been cancelled at once.</param>
internal readonly record struct Timing(double Median, long AllocatedBytes, double LongestEnding);

/// <summary>What <see cref="OverheadBench"/> has measured.</summary>
/// <param name="LoopSeconds">A step without compute.</param>
/// <param name="ComputeSeconds">The compute of such a step.</param>
/// <param name="AllocatedBytes">Bytes that a step allocates on its thread.</param>
internal sealed record OverheadResult(double LoopSeconds, double ComputeSeconds, long AllocatedBytes)
{
    /// <summary>The loop's share of the compute.</summary>
    public double Share => LoopSeconds / ComputeSeconds;
}
