using System.Globalization;
using SLoRA.Core.Bench.Workload;

namespace SLoRA.Evaluation.Workloads;

/// <summary>
/// The workloads of the VTC artifact (fair_bench/trace.py), number for number: each adapter is a client. Lengths lie in
/// [<see cref="Shortest"/>, <see cref="Below"/>).
/// </summary>
internal sealed record FairnessTrace
{
    private const double FirstIncreasingRate = 0.2;

    /// <summary>Requests per second of each client.</summary>
    public required IReadOnlyList<double> Rates { get; init; }

    /// <summary>Seconds of arrivals.</summary>
    public required double Seconds { get; init; }

    /// <summary>The shortest prompt.</summary>
    public int Shortest { get; init; } = 256;

    /// <summary>One more than the longest prompt.</summary>
    public int Below { get; init; } = 257;

    /// <summary>The first client is silent in every second window of so many seconds; null when it never is.</summary>
    public int? OnOff { get; init; }

    /// <summary>The seed.</summary>
    public uint Seed { get; init; } = 42;

    /// <summary>Every client at its own fixed interval, from a random phase on.</summary>
    public Trace Uniform()
    {
        var random = new LegacyRandom(Seed);
        List<TraceRequest> requests = [];
        for (int client = 0; client < Rates.Count; client++)
        {
            (int[] prompts, int[] outputs) = Lengths(random, (int)(Rates[client] * Seconds));
            double time = random.NextDouble() * 1 / Rates[client];
            for (int i = 0; i < prompts.Length; i++)
            {
                time += 1 / Rates[client];
                if (!IsSilent(client, time))
                {
                    requests.Add(new TraceRequest(time, client, prompts[i], outputs[i]));
                }
            }
        }

        return Sorted("uniform", requests);
    }

    /// <summary>Two clients: the second one's rate grows evenly from 0.2.</summary>
    public Trace Increasing()
    {
        var random = new LegacyRandom(Seed);
        List<TraceRequest> requests = [];
        (int[] prompts, int[] outputs) = Lengths(random, (int)(Rates[0] * Seconds));
        double time = 0;
        for (int i = 0; i < prompts.Length; i++)
        {
            time += 1 / Rates[0];
            if (!IsSilent(0, time))
            {
                requests.Add(new TraceRequest(time, 0, prompts[i], outputs[i]));
            }
        }

        (prompts, outputs) = Lengths(random, (int)(0.5 * (FirstIncreasingRate + Rates[1]) * Seconds));
        time = 0;
        for (int i = 0; i < prompts.Length; i++)
        {
            double rate = FirstIncreasingRate + ((Rates[1] - FirstIncreasingRate) * time / Seconds);
            time += 1 / rate;
            requests.Add(new TraceRequest(time, 1, prompts[i], outputs[i]));
        }

        return Sorted("increasing", requests);
    }

    /// <summary>Two clients whose requests arrive by one Gamma process.</summary>
    /// <param name="variation">The coefficient of variation of the times between them.</param>
    /// <param name="first">What becomes of a request of the first client; null for nothing.</param>
    public Trace Bursts(double variation, Func<TraceRequest, TraceRequest>? first = null)
    {
        var random = new LegacyRandom(Seed);
        double rate = Rates[0] + Rates[1];
        int count = (int)(rate * Seconds);
        int[] clients = [.. Enumerable.Range(0, count).Select(_ => random.NextDouble() > Rates[0] / rate ? 1 : 0)];
        (int[] prompts, int[] outputs) = Lengths(random, count);
        double square = variation * variation;
        double time = 0;
        List<TraceRequest> requests = [];
        for (int i = 0; i < count; i++)
        {
            time += random.NextGamma(1 / square, square / rate);
            if (!IsSilent(clients[i], time))
            {
                var request = new TraceRequest(time, clients[i], prompts[i], outputs[i]);
                requests.Add(clients[i] == 0 && first is not null ? first(request) : request);
            }
        }

        return Named("bursts", requests);
    }

    /// <summary>A request of a quarter of the length.</summary>
    public static TraceRequest Quarter(TraceRequest request) => request with { Prompt = request.Prompt / 4, Output = request.Output / 4 };

    /// <summary>A request whose prompt is as long as its answer was, and the other way round.</summary>
    public static TraceRequest Swapped(TraceRequest request) => request with { Prompt = request.Output, Output = request.Prompt };

    private (int[] Prompts, int[] Outputs) Lengths(LegacyRandom random, int count) => (Draw(random, count), Draw(random, count));

    private int[] Draw(LegacyRandom random, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => Below - Shortest == 1 ? Shortest : random.NextInteger(Shortest, Below))];

    private bool IsSilent(int client, double time) => client == 0 && OnOff is { } window && ((int)(time / window) & 1) == 1;

    private Trace Sorted(string kind, List<TraceRequest> requests) => Named(kind, [.. requests.OrderBy(request => request.Arrival)]);

    private Trace Named(string kind, IReadOnlyList<TraceRequest> requests) => new(
        string.Create(CultureInfo.InvariantCulture, $"{kind} [{string.Join(", ", Rates)}] D={Seconds}"), Seconds, requests);
}
