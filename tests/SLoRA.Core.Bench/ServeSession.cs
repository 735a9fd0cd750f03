using System.Diagnostics;
using System.Globalization;

namespace SLoRA.Core.Bench;

/// <summary>
/// An engine with its default settings on random weights of a real shape, and requests that are all present at the start, through the
/// public API.
/// </summary>
/// <remarks>
/// The first token of an answer comes out of the prompt, so each request asks for one more than the workload says: every token that counts
/// as output took a decode step, as in the benchmark of llama.cpp. Prompts differ from repetition to repetition, so that nothing is reused.
/// </remarks>
internal sealed class ServeSession : IAsyncDisposable
{
    private readonly ServeWorkload _workload;
    private readonly RandomModel _model;
    private readonly LoraServingEngine _engine;
    private int _repetitions;

    private ServeSession(ServeWorkload workload, RandomModel model, LoraServingEngine engine)
    {
        _workload = workload;
        _model = model;
        _engine = engine;
    }

    /// <summary>Loads the engine and registers the adapters.</summary>
    public static async Task<ServeSession> Start(ServeWorkload workload, CancellationToken cancellation)
    {
        var model = new RandomModel(workload.Shape, workload.Weights);
        try
        {
            LoraServingEngineBuilder builder = LoraServingEngine.CreateBuilder().UseModel(model.Path).UseCpu(cpu =>
            {
                cpu.Threads = workload.Threads;
                cpu.Weights = workload.Weights.Kept;
                cpu.Precision = workload.Weights.Precision;
            });
            for (int i = 0; workload.IsMixed && i < workload.Adapters; i++)
            {
                builder.AddAdapter(Name(i), RandomAdapter.Create(workload.Shape, workload.Weights.Stored, i, workload.Rank));
            }

            return new ServeSession(workload, model, await builder.BuildAsync(cancellationToken: cancellation));
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Serves the workload once. The first time warms up.</summary>
    public async Task<ServeResult> Repeat(CancellationToken cancellation)
    {
        int repetition = _repetitions++;
        var requests = new GenerationRequest[_workload.Requests];
        for (int i = 0; i < requests.Length; i++)
        {
            requests[i] = new GenerationRequest
            {
                Prompt = Enumerable.Range(0, _workload.Prompt).Select(j => ((i * 131) + (j * 7) + (repetition * 1009)) % 30000).ToArray(),
                Adapter = _workload.IsMixed ? Name(i % _workload.Adapters) : null,
                MaxTokens = _workload.Output + 1,
                IgnoreEndOfText = true,
            };
        }

        long start = Stopwatch.GetTimestamp();
        long[][] times = await Task.WhenAll(requests.Select(request => Times(request, cancellation)));
        long first = times.Max(tokens => tokens[0]);
        long last = times.Max(tokens => tokens[^1]);
        return new ServeResult(
            _workload,
            Stopwatch.GetElapsedTime(start, first).TotalSeconds,
            Stopwatch.GetElapsedTime(first, last).TotalSeconds,
            times.Sum(tokens => tokens.Count(time => time > first)));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        _model.Dispose();
    }

    /// <summary>When each token came.</summary>
    private async Task<long[]> Times(GenerationRequest request, CancellationToken cancellation)
    {
        var times = new List<long>(request.MaxTokens!.Value);
        await foreach (GeneratedToken _ in _engine.GenerateAsync(request, cancellation).ConfigureAwait(false))
        {
            times.Add(Stopwatch.GetTimestamp());
        }

        return [.. times];
    }

    private static string Name(int adapter) => string.Create(CultureInfo.InvariantCulture, $"adapter-{adapter}");
}
