using System.Diagnostics;
using System.Globalization;

namespace SLoRA.Core.Bench;

/// <summary>
/// Serves requests that are all present at the start, through the public API and with default settings, on random weights of a real shape.
/// </summary>
/// <remarks>
/// The first token of an answer comes out of the prompt, so each request asks for one more than the workload says: every token that counts as output
/// took a decode step, as in the benchmark of llama.cpp. Prompts differ from repetition to repetition, so that nothing is reused.
/// </remarks>
internal static class ServeBench
{
    /// <summary>Measures and prints.</summary>
    public static async Task<int> Run(ServeWorkload workload, bool json, CancellationToken cancellation)
    {
        using var folder = new RandomModelFolder(workload.Shape, workload.Weights.Stored);
        await using LoraServingEngine engine = await Build(workload, folder.Path, cancellation);
        ServeResult? best = null;
        for (int repetition = -1; repetition < workload.Repetitions; repetition++)
        {
            ServeResult result = await Repeat(engine, workload, repetition + 1, cancellation);
            if (repetition >= 0)
            {
                best = best is null || result.TotalSeconds < best.TotalSeconds ? result : best;
            }

            if (!json)
            {
                Console.WriteLine($"{(repetition < 0 ? "warm-up" : "measured")} {result.ToJson()}");
            }
        }

        if (json)
        {
            Console.WriteLine(best!.ToJson());
        }
        else
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{workload.Shape.Name} {workload.Weights.Name}, {workload.Threads} threads; best: {best!.ToJson()}"));
        }

        return 0;
    }

    private static Task<LoraServingEngine> Build(ServeWorkload workload, string folder, CancellationToken cancellation)
    {
        LoraServingEngineBuilder builder = LoraServingEngine.CreateBuilder().UseModel(folder).UseCpu(cpu =>
        {
            cpu.Threads = workload.Threads;
            cpu.Weights = workload.Weights.Kept;
        });
        for (int i = 0; workload.IsMixed && i < workload.Adapters; i++)
        {
            builder.AddAdapter(Name(i), RandomAdapter.Create(workload.Shape, workload.Weights.Stored, i));
        }

        return builder.BuildAsync(cancellationToken: cancellation);
    }

    private static async Task<ServeResult> Repeat(LoraServingEngine engine, ServeWorkload workload, int repetition, CancellationToken cancellation)
    {
        var requests = new GenerationRequest[workload.Requests];
        for (int i = 0; i < requests.Length; i++)
        {
            requests[i] = new GenerationRequest
            {
                Prompt = Enumerable.Range(0, workload.Prompt).Select(j => ((i * 131) + (j * 7) + (repetition * 1009)) % 30000).ToArray(),
                Adapter = workload.IsMixed ? Name(i % workload.Adapters) : null,
                MaxTokens = workload.Output + 1,
                IgnoreEndOfText = true,
            };
        }

        long start = Stopwatch.GetTimestamp();
        long[][] times = await Task.WhenAll(requests.Select(request => Times(engine, request, cancellation)));
        long first = times.Max(tokens => tokens[0]);
        long last = times.Max(tokens => tokens[^1]);
        return new ServeResult(
            workload,
            Stopwatch.GetElapsedTime(start, first).TotalSeconds,
            Stopwatch.GetElapsedTime(first, last).TotalSeconds,
            times.Sum(tokens => tokens.Count(time => time > first)));
    }

    /// <summary>When each token came.</summary>
    private static async Task<long[]> Times(LoraServingEngine engine, GenerationRequest request, CancellationToken cancellation)
    {
        var times = new List<long>(request.MaxTokens!.Value);
        await foreach (GeneratedToken _ in engine.GenerateAsync(request, cancellation).ConfigureAwait(false))
        {
            times.Add(Stopwatch.GetTimestamp());
        }

        return [.. times];
    }

    private static string Name(int adapter) => string.Create(CultureInfo.InvariantCulture, $"adapter-{adapter}");
}
