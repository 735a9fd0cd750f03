using System.Diagnostics;
using System.Globalization;
using SLoRA.Formats;

namespace SLoRA.Core.Bench;

/// <summary>
/// One client floods: the others ask as often as their share of what the engine can do allows, at random times, and one asks ten times as
/// often. What the others wait for their first tokens, alone and beside it; and what all get done, first come and by shares. Real compute.
/// </summary>
/// <param name="workload">What is asked.</param>
internal sealed class FloodBench(FloodWorkload workload)
{
    private const string Flood = "flood";

    /// <summary>Measures and prints.</summary>
    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        using var folder = new RandomModelFolder(workload.Shape, TensorType.BF16);
        double capacity = await CapacityAsync(folder.Path, cancellation);
        double share = capacity / workload.Clients;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{workload.Shape.Name}, {workload.Threads} threads, {workload.Running} places, {workload.Most} of one client, "
            + $"{workload.Prompt} + {workload.Output} tokens: "
            + $"{capacity:F2} requests per second; {workload.Clients - 1} clients at {workload.Load:P0} of {share:F2} each, one at "
            + $"{workload.Times} times that, {workload.Seconds:F0} s"));
        FloodResult alone = await RunAsync(folder.Path, "alone", Shares, share, floods: false, cancellation);
        FloodResult first = await RunAsync(folder.Path, "first come", new SchedulingPolicy(), share, floods: true, cancellation);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"first come: the others' p99 is {first.P99 / alone.P99:F1} times what they have alone"));
        foreach ((string name, SchedulingPolicy policy) in new[] { ("shares", Shares), ("making way", MakingWay) })
        {
            FloodResult fair = await RunAsync(folder.Path, name, policy, share, floods: true, cancellation);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{name}: the others' p99 is {fair.P99 / alone.P99:F2} times what they have alone (goal: at most 1.5); throughput is "
                + $"{100 * fair.RowsPerSecond / first.RowsPerSecond:F1} % of first come (goal: at least 97 %)"));
        }

        return 0;
    }

    private SchedulingPolicy Shares => new()
    {
        Shares = new FairShares(),
        Quota = workload.Most > 0 ? new Quota { MaxRunning = workload.Most } : null,
    };

    private SchedulingPolicy MakingWay => Shares with { Shares = new FairShares { Preempts = true } };

    /// <summary>Requests per second when as many are there as can run.</summary>
    private async Task<double> CapacityAsync(string folder, CancellationToken cancellation)
    {
        await using LoraServingEngine engine = await BuildAsync(folder, new SchedulingPolicy(), cancellation);
        int count = 4 * workload.Running;
        await Task.WhenAll(Enumerable.Range(0, workload.Running).Select(i => AskAsync(engine, "warm-up", i, null, cancellation)));
        long start = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, count).Select(i => AskAsync(engine, $"{i % workload.Clients}", i, null, cancellation)));
        return count / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private async Task<FloodResult> RunAsync(
        string folder, string name, SchedulingPolicy policy, double share, bool floods, CancellationToken cancellation)
    {
        await using LoraServingEngine engine = await BuildAsync(folder, policy, cancellation);
        await Task.WhenAll(Enumerable.Range(0, workload.Running).Select(i => AskAsync(engine, "warm-up", i, null, cancellation)));
        using var flooding = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var others = new Latencies();
        List<(double At, int Client)> arrivals = [];
        for (int client = floods ? 0 : 1; client < workload.Clients; client++)
        {
            var random = new Random(client);
            double rate = client == 0 ? share * workload.Times : share * workload.Load;
            for (double at = 0; (at -= Math.Log(1 - random.NextDouble()) / rate) < workload.Seconds;)
            {
                arrivals.Add((at, client));
            }
        }

        arrivals.Sort();
        List<Task> flood = [];
        List<Task> asked = [];
        long computed = engine.Status.ComputedTokens;
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < arrivals.Count; i++)
        {
            (double at, int client) = arrivals[i];
            TimeSpan left = TimeSpan.FromSeconds(at) - Stopwatch.GetElapsedTime(start);
            if (left > TimeSpan.Zero)
            {
                await Task.Delay(left, cancellation);
            }

            if (client == 0)
            {
                flood.Add(AskAsync(engine, Flood, i, null, flooding.Token));
            }
            else
            {
                asked.Add(AskAsync(engine, $"{client}", i, others, cancellation));
            }
        }

        double rows = (engine.Status.ComputedTokens - computed) / Stopwatch.GetElapsedTime(start).TotalSeconds;
        await Task.WhenAll(asked);
        flooding.Cancel();
        await Task.WhenAll(flood);
        var result = new FloodResult(others.Quantile(0.5), others.Quantile(0.99), rows);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name}: {others.Count} requests of the others, first token p50 {result.P50:F0} ms, p99 {result.P99:F0} ms; "
            + $"{rows:F0} rows per second"));
        return result;
    }

    private Task<LoraServingEngine> BuildAsync(string folder, SchedulingPolicy policy, CancellationToken cancellation) =>
        LoraServingEngine.CreateBuilder()
            .UseModel(folder)
            .UseCpu(cpu => cpu.Threads = workload.Threads)
            .ConfigurePool(pool => (pool.Bytes, pool.PrefixReuse) = (512L << 20, false))
            .ConfigureScheduling(scheduling =>
            {
                scheduling.MaxRunning = workload.Running;
                scheduling.MaxRowsPerStep = workload.Rows;
                scheduling.MaxPromptRowsPerStep = workload.Prompt;
                scheduling.MaxWaiting = 100_000;
                scheduling.Policy = policy;
            })
            .BuildAsync(cancellationToken: cancellation);

    private async Task AskAsync(LoraServingEngine engine, string client, int seed, Latencies? first, CancellationToken cancellation)
    {
        var request = new GenerationRequest
        {
            Prompt = Enumerable.Range(0, workload.Prompt).Select(i => ((seed * 131) + (i * 7)) % 30000).ToArray(),
            MaxTokens = workload.Output,
            IgnoreEndOfText = true,
            ClientId = client,
        };
        long start = Stopwatch.GetTimestamp();
        bool isFirst = true;
        try
        {
            await foreach (GeneratedToken _ in engine.GenerateAsync(request, cancellation))
            {
                if (isFirst)
                {
                    first?.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                    isFirst = false;
                }
            }
        }
        catch (OperationCanceledException) when (client == Flood)
        {
            // The measurement is over.
        }
    }
}

/// <summary>What is asked of <see cref="FloodBench"/>.</summary>
/// <param name="Shape">The decoder.</param>
/// <param name="Threads">Threads that compute.</param>
/// <param name="Rows">The most rows of a step: what a first token waits for beside others.</param>
/// <param name="Running">Sequences that run at once.</param>
/// <param name="Most">Sequences of one client that run at once under shares; 0 for as many as there are places.</param>
/// <param name="Clients">Clients, of which one floods.</param>
/// <param name="Load">How much of their share the others ask for.</param>
/// <param name="Times">How many times its share the one asks for.</param>
/// <param name="Prompt">Tokens of a prompt.</param>
/// <param name="Output">Tokens of an answer.</param>
/// <param name="Seconds">How long requests come.</param>
internal sealed record FloodWorkload(
    Shape Shape, int Threads, int Rows, int Running, int Most, int Clients, double Load, double Times, int Prompt, int Output,
    double Seconds);

/// <summary>What <see cref="FloodBench"/> has measured.</summary>
/// <param name="P50">Milliseconds in which half of the others' requests had their first token.</param>
/// <param name="P99">Milliseconds in which 99 of 100 had it.</param>
/// <param name="RowsPerSecond">Rows computed for all, while requests came.</param>
internal sealed record FloodResult(double P50, double P99, double RowsPerSecond);
