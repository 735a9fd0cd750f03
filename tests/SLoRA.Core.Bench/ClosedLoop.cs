using System.Diagnostics;
using SLoRA.Core.Bench.Workload;

namespace SLoRA.Core.Bench;

/// <summary>
/// Clients that each hand the next request of a trace in when the last one has been answered, and what they saw while it was measured.
/// </summary>
internal sealed class ClosedLoop(LoraServingEngine engine, AdaptersWorkload workload, AdapterTrace trace)
{
    private readonly CancellationTokenSource _stop = new();
    private Task[] _clients = [];
    private volatile bool _measures;
    private int _requests;
    private int _tokens;

    /// <summary>From handing in to the first token.</summary>
    public Latencies FirstToken { get; } = new();

    /// <summary>Between two tokens of an answer.</summary>
    public Latencies InterToken { get; } = new();

    /// <summary>Requests that have ended.</summary>
    public int Requests => _requests;

    /// <summary>Tokens that have come.</summary>
    public int Tokens => _tokens;

    /// <summary>Starts the clients.</summary>
    public void Start(CancellationToken cancellation)
    {
        cancellation.Register(_stop.Cancel);
        _clients = [.. Enumerable.Range(0, workload.Concurrency).Select(_ => Task.Run(ClientAsync, CancellationToken.None))];
    }

    /// <summary>Begins or ends what counts.</summary>
    public void Measure(bool measures) => _measures = measures;

    /// <summary>Cancels what is under way.</summary>
    /// <exception cref="SLoraException">A request failed.</exception>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_clients);
    }

    private async Task ClientAsync()
    {
        try
        {
            while (!_stop.IsCancellationRequested)
            {
                await AskAsync(trace.Take());
            }
        }
        catch (OperationCanceledException)
        {
            // The measurement is over.
        }
    }

    private async Task AskAsync(int number)
    {
        var request = new GenerationRequest
        {
            Prompt = AdapterTrace.PromptOf(number, AdaptersWorkload.Prompt, workload.Shape.Vocabulary),
            Adapter = SeededAdapters.NameOf(trace.AdapterOf(number)),
            MaxTokens = AdaptersWorkload.Output,
            IgnoreEndOfText = true,
        };
        bool measuredFromTheStart = _measures;
        long last = Stopwatch.GetTimestamp();
        await foreach (GeneratedToken token in engine.GenerateAsync(request, _stop.Token).ConfigureAwait(false))
        {
            long now = Stopwatch.GetTimestamp();
            if (_measures)
            {
                Interlocked.Increment(ref _tokens);
                double milliseconds = Stopwatch.GetElapsedTime(last, now).TotalMilliseconds;
                if (token.Index > 0)
                {
                    InterToken.Add(milliseconds);
                }
                else if (measuredFromTheStart)
                {
                    FirstToken.Add(milliseconds);
                }
            }

            last = now;
        }

        if (_measures)
        {
            Interlocked.Increment(ref _requests);
        }
    }
}
